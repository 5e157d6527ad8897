package sogov_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"

	"sogov.internal/sogov"
)

// routed is a service whose versions all echo.
func routed(t *testing.T, name string, labels []string, first string) (*sogov.Engine, *sogov.Service) {
	t.Helper()
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{Preflight: sogov.PreflightOff})
	for _, label := range labels {
		r.load(engine, zoo("plain_level1"), name, label)
	}
	return engine, stable(t, engine, name, first)
}

func TestRoutePolicyVectors(t *testing.T) {
	var file struct {
		Service string
		Cases   []struct {
			Name     string
			Policy   json.RawMessage
			Requests []struct {
				UserKey *string `json:"user_key"`
				Headers [][2]string
				Version string
				Reason  string
			}
		}
	}
	vectors(t, "route_policy.json", &file)
	requests := 0
	for _, test := range file.Cases {
		t.Run(test.Name, func(t *testing.T) {
			labels, first := labelsOf(t, test.Policy)
			engine, service := routed(t, file.Service, labels, first)
			must(t, engine.ApplyRoutePolicy(file.Service, test.Policy, nil))
			for _, told := range test.Requests {
				request := &sogov.Request{}
				if told.UserKey != nil {
					request.UserKey = *told.UserKey
				}
				for _, header := range told.Headers {
					request.Headers = append(request.Headers, sogov.Header{Name: header[0], Value: header[1]})
				}
				answer, err := service.Call([]byte("x"), request)
				must(t, err)
				if string(answer.Data) != "x" || answer.Version != told.Version || answer.Reason.String() != told.Reason {
					t.Errorf("%+v: found %q of %s because of %v", told, answer.Data, answer.Version, answer.Reason)
				}
				lease, err := service.Route(request)
				must(t, err)
				if version, err := lease.Version(); err != nil || version != told.Version {
					t.Errorf("%+v: found a lease on %s (%v)", told, version, err)
				}
				must(t, lease.Release(sogov.Neutral))
				requests++
			}
		})
	}
	if requests < 50 {
		t.Errorf("expected the vectors to be there, found %d", requests)
	}
}

// labelsOf are the versions that a policy names, and the stable one.
func labelsOf(t *testing.T, document []byte) (labels []string, first string) {
	t.Helper()
	var policy struct {
		Stable string
		Weight map[string]json.Number
		Grays  []struct{ Version string }
	}
	must(t, json.Unmarshal(document, &policy))
	named := map[string]bool{policy.Stable: policy.Stable != ""}
	for label := range policy.Weight {
		named[label] = true
	}
	for _, gray := range policy.Grays {
		named[gray.Version] = true
	}
	for label, is := range named {
		if is {
			labels = append(labels, label)
		}
	}
	sort.Strings(labels)
	first = policy.Stable
	for _, label := range labels {
		if first == "" && !strings.HasSuffix(label, "-gray") {
			first = label
		}
	}
	return labels, first
}

// A gray version that has exactly the expected bucket gets the user; one that has all others does not.
func TestBucketVectors(t *testing.T) {
	type vector struct {
		Salt    string
		Purpose string
		Key     hexBytes   `json:"key_hex"`
		Repeat  int        `json:"repeat"`
		Parts   []hexBytes `json:"parts_hex"`
		Bucket  int
	}
	var file struct{ Single, Joined []vector }
	vectors(t, "bucket.json", &file)
	engine, service := routed(t, "buckets", []string{"gray", "stable"}, "stable")
	run := 0
	for _, v := range append(file.Single, file.Joined...) {
		request := &sogov.Request{UserKey: strings.Repeat(string(v.Key), max(v.Repeat, 1))}
		var names []string
		usable := v.Purpose == "route" && v.Salt != "" && (len(v.Parts) > 1 || (v.Parts == nil && request.UserKey != ""))
		for i, part := range v.Parts {
			names = append(names, fmt.Sprintf("h%d", i))
			request.Headers = append(request.Headers, sogov.Header{Name: names[i], Value: string(part)})
			usable = usable && len(part) > 0
		}
		// No policy leads to the others: another purpose, no salt, no key, one header (which is not joined).
		if !usable {
			continue
		}
		run++
		inside := [][2]int{{v.Bucket, v.Bucket + 1}}
		for expected, ranges := range map[string][][2]int{"gray": inside, "stable": around(v.Bucket)} {
			hash := map[string]interface{}{"version": 1, "salt": v.Salt}
			if names != nil {
				hash["by"] = names
			}
			policy, err := json.Marshal(map[string]interface{}{
				"version": "1", "stable": "stable", "hash": hash,
				"grays": []interface{}{map[string]interface{}{"version": "gray", "seq": 1, "ranges": ranges}},
			})
			must(t, err)
			must(t, engine.ApplyRoutePolicy("buckets", policy, nil))
			if answer, err := service.Call(nil, request); err != nil || answer.Version != expected {
				t.Errorf("%+v: expected %s, found %s (%v)", v, expected, answer.Version, err)
			}
		}
	}
	if run < 50 {
		t.Errorf("expected the vectors to be there, found %d", run)
	}
}

// around are all buckets but one.
func around(bucket int) (ranges [][2]int) {
	for _, one := range [][2]int{{0, bucket}, {bucket + 1, 10_000}} {
		if one[0] < one[1] {
			ranges = append(ranges, one)
		}
	}
	return ranges
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func TestABadPolicyChangesNothingAndSaysWhere(t *testing.T) {
	engine, service := feeEngine(t)
	err := engine.ApplyRoutePolicy("fee", []byte(`{"version": "1", "weight": {"v1": "80"}}`), nil)
	expect(t, sogov.ErrRoutePolicyInvalid, err)
	if !strings.Contains(err.Error(), `weight["v1"]`) {
		t.Errorf("expected the place, found %v", err)
	}
	for _, document := range [][]byte{nil, []byte("{"), bytes.Repeat([]byte(" "), 2<<20)} {
		if err := engine.ApplyRoutePolicy("fee", document, nil); err == nil {
			t.Errorf("expected %d bytes to be refused", len(document))
		}
	}
	if answer, err := service.Call([]byte(payment), nil); err != nil || string(answer.Data) != prices["v1"] {
		t.Errorf("expected v1 to serve, found %q (%v)", answer.Data, err)
	}
}
