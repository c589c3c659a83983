package teamstest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A checker walks through a message, collects what people see, and keeps the first problem.
type checker struct {
	card     Card
	entities []string // their texts
	problem  error
}

func (c *checker) fail(where, problem string) {
	if c.problem == nil {
		c.problem = fmt.Errorf("%s: %s", strings.TrimPrefix(where, "."), problem)
	}
}

// A check is what is demanded of a value.
type check func(c *checker, where string, v any)

// members are the members of an object; those whose name ends in ! are required.
type members map[string]check

// object checks that an object has what it must have and nothing else, in the order of the names but for the texts.
func (c *checker) object(where string, v any, allowed members) {
	o, ok := v.(map[string]any)
	if !ok {
		c.fail(where, "is not an object")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		required := strings.HasSuffix(name, "!")
		plain := strings.TrimSuffix(name, "!")
		value, present := o[plain]
		switch {
		case present:
			allowed[name](c, where+"."+plain, value)
		case required:
			c.fail(where+"."+plain, "is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if allowed[name] == nil && allowed[name+"!"] == nil {
			c.fail(where+"."+name, "is unknown")
		}
	}
}

func object(allowed members) check {
	return func(c *checker, where string, v any) { c.object(where, v, allowed) }
}

// array checks a list of one to so many values.
func array(most int, each check) check {
	return func(c *checker, where string, v any) {
		list, ok := v.([]any)
		if !ok || len(list) == 0 || len(list) > most {
			c.fail(where, "is not a list of 1 to "+strconv.Itoa(most))
			return
		}
		for i, one := range list {
			each(c, where+"["+strconv.Itoa(i)+"]", one)
		}
	}
}

// one checks an object by its type.
func one(types func() map[string]members) check {
	return func(c *checker, where string, v any) {
		o, _ := v.(map[string]any)
		kind, _ := o["type"].(string)
		allowed, known := types()[kind]
		if !known {
			c.fail(where+".type", strconv.Quote(kind)+" is not supported")
			return
		}
		c.object(where, v, allowed)
	}
}

func word(words ...string) check {
	return func(c *checker, where string, v any) {
		s, ok := v.(string)
		if !ok || !slices.Contains(words, strings.ToLower(s)) {
			c.fail(where, fmt.Sprintf("%v is none of %q", v, words))
		}
	}
}

func exactly(want any) check {
	return func(c *checker, where string, v any) {
		if v != want {
			c.fail(where, fmt.Sprintf("is %v and not %v", v, want))
		}
	}
}

func boolean(c *checker, where string, v any) {
	if _, ok := v.(bool); !ok {
		c.fail(where, "is not a boolean")
	}
}

func number(c *checker, where string, v any) {
	if _, ok := v.(float64); !ok {
		c.fail(where, "is not a number")
	}
}

// text is any text that people do not see in the card.
func text(c *checker, where string, v any) {
	if _, ok := v.(string); !ok {
		c.fail(where, "is not a string")
	}
}

// shown is a text that people see, which may be empty.
func shown(c *checker, where string, v any) {
	text(c, where, v)
	s, _ := v.(string)
	c.card.texts = append(c.card.texts, s)
}

func notEmpty(c *checker, where string, v any) {
	shown(c, where, v)
	if s, _ := v.(string); strings.TrimSpace(s) == "" {
		c.fail(where, "is empty")
	}
}

func picture(c *checker, where string, v any) {
	s, _ := v.(string)
	if !isAddress(s, "https") {
		c.fail(where, "is not an https address")
	}
	c.card.images = append(c.card.images, s)
}

func page(c *checker, where string, v any) {
	s, _ := v.(string)
	if !isAddress(s, "http", "https") {
		c.fail(where, "is not an http or https address")
	}
	c.card.addresses = append(c.card.addresses, s)
}

func entity(c *checker, where string, v any) {
	c.object(where, v, members{
		"type!": exactly("mention"), "text!": text, "mentioned!": object(members{"id!": text, "name!": text}),
	})
	o, _ := v.(map[string]any)
	who, _ := o["mentioned"].(map[string]any)
	label, _ := o["text"].(string)
	id, _ := who["id"].(string)
	name, _ := who["name"].(string)
	if id == "" || label != "<at>"+name+"</at>" {
		c.fail(where, "has no id, or a text that is not its name's")
	}
	c.entities = append(c.entities, label)
	c.card.mentions = append(c.card.mentions, Mention{id, name})
}

// The message and its card: Adaptive Cards 1.4 (https://adaptivecards.io/explorer), as far as
// https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-reference supports them.
var (
	messageMembers = members{
		"type!": exactly("message"), "summary": text, "attachments!": array(1, object(members{
			"contentType!": exactly("application/vnd.microsoft.card.adaptive"), "contentUrl": exactly(nil), "content!": object(cardMembers),
		})),
	}
	cardMembers = members{
		"$schema": text, "type!": exactly("AdaptiveCard"), "version!": word("1.0", "1.1", "1.2", "1.3", "1.4"),
		"msteams": object(members{"width": word("full"), "entities": array(100, entity)}),
		"body!":   array(100, one(elements)), "actions": array(6, one(actions)), "fallbackText": text, "speak": text, "lang": text,
	}
	spacing = word("none", "small", "default", "medium", "large", "extralarge", "padding")
	style   = word("default", "emphasis", "good", "attention", "warning", "accent")
)

// elements are what a card or a container may hold. It is a function because containers hold containers.
func elements() map[string]members {
	all := map[string]members{
		"TextBlock": {
			"text!": notEmpty, "wrap": boolean, "isSubtle": boolean, "maxLines": number,
			"size":                word("default", "small", "medium", "large", "extralarge"),
			"weight":              word("default", "lighter", "bolder"),
			"color":               word("default", "dark", "light", "accent", "good", "warning", "attention"),
			"fontType":            word("default", "monospace"),
			"horizontalAlignment": word("left", "center", "right"),
		},
		"FactSet": {"facts!": array(1000, object(members{"title!": shown, "value!": shown}))},
		"Image": {
			"url!": picture, "altText": text, "size": word("auto", "stretch", "small", "medium", "large"),
			"msteams": object(members{"allowExpand": boolean}),
		},
		"Container": {"items!": array(100, one(elements)), "style": style, "bleed": boolean},
		"ColumnSet": {"columns!": array(100, object(members{
			"type": exactly("Column"), "items": array(100, one(elements)), "width": func(*checker, string, any) {}, "style": style,
		}))},
	}
	for _, m := range all {
		m["type!"], m["id"], m["spacing"], m["separator"] = text, text, spacing, boolean
	}
	return all
}

func actions() map[string]members {
	return map[string]members{"Action.OpenUrl": {"type!": text, "title!": notEmpty, "url!": page, "id": text}}
}
