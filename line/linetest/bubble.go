package linetest

import (
	"encoding/json"
	"strconv"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// maxBubble is the largest bubble, in bytes of its JSON as it was sent.
const maxBubble = 30000

// Forms of words in a bubble. Sizes may be keywords or pixels.
const (
	colors  = `#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?`
	sizes   = `xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl|full|\d+(\.\d+)?px`
	margins = `none|xs|sm|md|lg|xl|xxl|\d+(\.\d+)?px`
)

var bubbleRules, stylesRules, blockRules object

// components are by their type. They contain themselves, so they are put together at the start.
var components map[string]object

var actions = map[string]object{
	"uri": {"label": need(label), "uri": need(address(1000, "http", "https", "line", "tel")), "altUri": may(anything)},
}

func init() { //nolint:gochecknoinits // the tables refer to each other in a circle
	block := may(checkBlock)
	bubbleRules = object{
		"size":   may(like("nano|micro|deca|hecto|kilo|mega|giga")),
		"header": may(checkBox), "hero": may(checkComponent), "body": may(checkBox), "footer": may(checkBox),
		"styles": may(checkStyles), "direction": may(like("ltr|rtl")), "action": may(checkAction),
	}
	stylesRules = object{"header": block, "hero": block, "body": block, "footer": block}
	blockRules = object{
		"backgroundColor": may(like(colors)), "separator": may(boolean), "separatorColor": may(like(colors)),
	}
	components = map[string]object{
		"box": {
			"layout": need(like("horizontal|vertical|baseline")), "contents": need(checkContents), "spacing": may(like(margins)),
			"margin": may(like(margins)), "backgroundColor": may(like(colors)), "flex": may(integer), "action": may(checkAction),
			"paddingAll": may(like(margins)), "cornerRadius": may(like(margins)),
		},
		"text": {
			"text": need(text(0)), "size": may(like(sizes)), "weight": may(like("regular|bold")), "color": may(like(colors)),
			"wrap": may(boolean), "maxLines": may(integer), "align": may(like("start|end|center")), "flex": may(integer),
			"margin": may(like(margins)), "style": may(like("normal|italic")), "action": may(checkAction),
			"decoration": may(like("none|underline|line-through")),
		},
		"image": {
			"url": need(address(2000, "https")), "size": may(like(sizes)), "aspectRatio": may(like(`\d+(\.\d+)?:\d+(\.\d+)?`)),
			"aspectMode": may(like("cover|fit")), "backgroundColor": may(like(colors)), "margin": may(like(margins)),
			"flex": may(integer), "align": may(like("start|end|center")), "action": may(checkAction),
		},
		"button": {
			"action": need(checkAction), "style": may(like("primary|secondary|link")), "height": may(like("sm|md")),
			"color": may(like(colors)), "margin": may(like(margins)), "flex": may(integer),
		},
		"separator": {"margin": may(like(margins)), "color": may(like(colors))},
	}
}

func checkBubble(property string, value json.RawMessage) error {
	if len(value) > maxBubble {
		return invalid(property, "must be at most "+strconv.Itoa(maxBubble)+" bytes")
	}
	return checkObject(property, value, map[string]object{"bubble": bubbleRules})
}

func checkComponent(property string, value json.RawMessage) error {
	return checkObject(property, value, components)
}

func checkBox(property string, value json.RawMessage) error {
	return checkObject(property, value, map[string]object{"box": components["box"]})
}

func checkAction(property string, value json.RawMessage) error {
	return checkObject(property, value, actions)
}

func checkContents(property string, value json.RawMessage) error {
	var contents []json.RawMessage
	if value[0] != '[' || json.Unmarshal(value, &contents) != nil {
		return invalid(property, "must be an array")
	}
	for i, c := range contents {
		if err := checkComponent(property+"["+strconv.Itoa(i)+"]", c); err != nil {
			return err
		}
	}
	return nil
}

func checkStyles(property string, value json.RawMessage) error {
	return checkMembers(property, value, stylesRules)
}

func checkBlock(property string, value json.RawMessage) error {
	return checkMembers(property, value, blockRules)
}

// checkMembers checks an object that has no type.
func checkMembers(property string, value json.RawMessage, rules object) error {
	members, err := fakehttp.Members(value)
	if err != nil {
		return invalid(property, err.Error())
	}
	return rules.check(property, members)
}
