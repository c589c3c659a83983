package mackereltest

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An entry is a monitor, a check monitor or a host: a JSON object with an id.
type entry struct {
	ID     string         `json:"id"`
	Status string         `json:"status,omitzero"` // of a host
	Rest   jsontext.Value `json:",inline,embed"`   // Go 1.26 with GOEXPERIMENT=jsonv2 knows inline only
}

// SetOrganization sets the name of the organization, which is "mackereltest" at first.
func (s *Server) SetOrganization(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.organization = name
}

// AddMonitor adds a monitor, a JSON object as GET /api/v0/monitors lists it, and returns its id: the object's own or,
// if it has none, a new one. It panics if object is not a JSON object.
func (s *Server) AddMonitor(object string) (id string) { return s.addEntry(&s.monitors, object) }

// AddCheck is AddMonitor for a check monitor, which Mackerel lists under /api/v0/monitoring/checks: {"name":"disk"}.
func (s *Server) AddCheck(object string) (id string) { return s.addEntry(&s.checks, object) }

// AddHost is AddMonitor for a host. Its status is "working" unless the object has one. Its roles are an object:
// {"name":"app01","roles":{"Shop":["app"]}}.
func (s *Server) AddHost(object string) (id string) { return s.addEntry(&s.hosts, object) }

// A service is a service as it is listed. It has no id.
type service struct {
	Name  string         `json:"name"`
	Memo  string         `json:"memo"`
	Roles []string       `json:"roles"`
	Rest  jsontext.Value `json:",inline,embed"` // Go 1.26 with GOEXPERIMENT=jsonv2 knows inline only
}

// AddService adds a service, a JSON object as GET /api/v0/services lists it: {"name":"Shop","roles":["app"]}. Services
// of hosts and monitors need not be added. AddService panics if object is not a JSON object of the documented types, or
// if it has no name.
func (s *Server) AddService(object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := service{Roles: []string{}}
	if err := json.Unmarshal([]byte(object), &added); err != nil {
		panic("mackereltest: AddService: " + err.Error())
	}
	if added.Name == "" {
		panic("mackereltest: AddService: a service has a name")
	}
	s.services = append(s.services, added)
}

func (s *Server) listServices(*http.Request, string) (any, error) {
	return listing("services", s.services, ""), nil
}

func (s *Server) addEntry(list *[]entry, object string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e entry
	if err := json.Unmarshal([]byte(object), &e); err != nil {
		panic("mackereltest: " + err.Error())
	}
	if e.ID == "" {
		e.ID = s.newID()
	}
	if list == &s.hosts && e.Status == "" {
		e.Status = "working"
	}
	*list = append(*list, e)
	return e.ID
}

// SetHostStatus changes the status of a host. It panics if there is no such host.
func (s *Server) SetHostStatus(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.hosts, func(e entry) bool { return e.ID == id })
	if i < 0 {
		panic("mackereltest: there is no host " + id)
	}
	s.hosts[i].Status = status
}

func (s *Server) listMonitors(*http.Request, string) (any, error) {
	return listing("monitors", s.monitors, ""), nil
}

func (s *Server) getMonitor(_ *http.Request, id string) (any, error) {
	return s.one("monitor", "Monitor Not Found.", s.monitors, id)
}

func (s *Server) listChecks(r *http.Request, _ string) (any, error) {
	some, next, err := page(r, s.checks, func(e entry) string { return e.ID })
	if err != nil {
		return nil, err
	}
	return listing("checks", some, next), nil
}

func (s *Server) getCheck(_ *http.Request, id string) (any, error) {
	return s.one("check", "Check Not Found.", s.checks, id)
}

// listHosts lists hosts that are working or standby, unless the query asks for other statuses.
func (s *Server) listHosts(r *http.Request, _ string) (any, error) {
	statuses := r.URL.Query()["status"]
	if len(statuses) == 0 {
		statuses = []string{"working", "standby"}
	}
	var some []entry
	for _, h := range s.hosts {
		if slices.Contains(statuses, h.Status) {
			some = append(some, h)
		}
	}
	return listing("hosts", some, ""), nil
}

func (s *Server) getHost(_ *http.Request, id string) (any, error) {
	return s.one("host", "Host Not Found.", s.hosts, id)
}

func (s *Server) one(name, missing string, list []entry, id string) (any, error) {
	for _, e := range list {
		if e.ID == id {
			return map[string]any{name: e}, nil
		}
	}
	return nil, s.refuse(http.StatusNotFound, missing)
}

func (s *Server) getOrganization(*http.Request, string) (any, error) {
	return map[string]any{"name": s.organization, "displayName": nil}, nil
}

func (s *Server) listUsers(*http.Request, string) (any, error) {
	all := make([]map[string]any, 0, len(s.users))
	for _, id := range s.userOrder {
		all = append(all, map[string]any{"id": id, "screenName": id, "email": id + "@example.com", "authority": "collaborator"})
	}
	return map[string]any{"users": all}, nil
}
