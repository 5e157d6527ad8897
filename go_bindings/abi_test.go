package sogov_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sogov.internal/sogov"
)

// enums are those of the header, each with the text of a number in Go.
var enums = map[string]func(int) string{
	"SOGOV_STATUS":             func(n int) string { return strings.TrimPrefix(sogov.Status(n).String(), "SOGOV_STATUS_") },
	"SOGOV_ROUTE_REASON":       func(n int) string { return sogov.RouteReason(n).String() },
	"SOGOV_LOG_LEVEL":          func(n int) string { return sogov.LogLevel(n).String() },
	"SOGOV_EVENT_KIND":         func(n int) string { return sogov.EventKind(n).String() },
	"SOGOV_PACKAGE_STANDING":   func(n int) string { return sogov.PackageStanding(n).String() },
	"SOGOV_STANDING":           func(n int) string { return sogov.Standing(n).String() },
	"SOGOV_BREAKER":            func(n int) string { return sogov.Breaker(n).String() },
	"SOGOV_UPDATE_STEP":        func(n int) string { return sogov.UpdateStep(n).String() },
	"SOGOV_UPDATE_PHASE":       func(n int) string { return sogov.UpdatePhase(n).String() },
	"SOGOV_UPDATE_STATE":       func(n int) string { return sogov.UpdateState(n).String() },
	"SOGOV_UPDATE_NO_DATA":     func(n int) string { return sogov.UpdateNoData(n).String() },
	"SOGOV_SIGNATURE_ENCODING": func(n int) string { return sogov.Encoding(n).String() },
	"SOGOV_CUSTODY":            func(n int) string { return sogov.Custody(n).String() },
	"SOGOV_KEY_MEMORY":         func(n int) string { return sogov.KeyMemory(n).String() },
	"SOGOV_OUTCOME":            func(n int) string { return sogov.Outcome(n).String() },
	"SOGOV_SYMBOL_COLLISIONS":  func(n int) string { return sogov.SymbolCollisions(n).String() },
	"SOGOV_PREFLIGHT":          func(n int) string { return sogov.Preflight(n).String() },
}

// Every number of the header has its name here.
func TestTheNumbersAreThoseOfTheHeader(t *testing.T) {
	found := 0
	for _, match := range regexp.MustCompile(`(?m)^  (SOGOV_\w+) = (\d+),$`).FindAllStringSubmatch(header(t), -1) {
		number, err := strconv.Atoi(match[2])
		must(t, err)
		known := false
		for prefix, text := range enums {
			name := strings.TrimPrefix(match[1], prefix+"_")
			if name == match[1] {
				continue
			}
			found, known = found+1, true
			if !strings.EqualFold(text(number), name) {
				t.Errorf("%s = %d: found %s", match[1], number, text(number))
			}
		}
		// Those of the functions Key.PEM, Key.DER, SM3 and SM3Tree need no type.
		if !known && !strings.HasPrefix(match[1], "SOGOV_KEY_FORMAT_") && !strings.HasPrefix(match[1], "SOGOV_DIGEST_") {
			t.Errorf("%s has no counterpart", match[1])
		}
	}
	if found < 90 {
		t.Errorf("expected the enums to be there, found %d numbers", found)
	}
}

// Every function and every option of the header is used.
func TestNothingOfTheHeaderIsLeftOut(t *testing.T) {
	used := ""
	for _, pattern := range []string{"*.go", "*.c"} {
		files, err := filepath.Glob(pattern)
		must(t, err)
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				content, err := os.ReadFile(file)
				must(t, err)
				used += string(content)
			}
		}
	}
	// The name of a status is known here, and the status of an error is what the call returned.
	left := map[string]bool{"sogov_status_name": true, "sogov_error_status": true}
	functions := regexp.MustCompile(`(?m)^[a-z][\w ]*[ *](sogov_\w+)\(`).FindAllStringSubmatch(header(t), -1)
	for _, match := range functions {
		if !left[match[1]] && !regexp.MustCompile(`\b`+match[1]+`\(`).MatchString(used) {
			t.Errorf("%s is not used", match[1])
		}
	}
	if len(functions) < 45 {
		t.Errorf("expected the functions to be there, found %d", len(functions))
	}
	for _, options := range []string{"engine_options", "change_options", "update_options", "file_facts"} {
		_, after, _ := strings.Cut(header(t), "typedef struct sogov_"+options+" {")
		body, _, _ := strings.Cut(after, "\n} sogov_"+options+";")
		members := regexp.MustCompile(`(?m)^  [a-z][\w ]*[ *](\w+);$`).FindAllStringSubmatch(body, -1)
		for _, member := range members {
			if !regexp.MustCompile(`(\.|->)` + member[1] + `\b`).MatchString(used) {
				t.Errorf("sogov_%s: %s is not used", options, member[1])
			}
		}
		if len(members) < 10 {
			t.Errorf("sogov_%s: expected members, found %v", options, members)
		}
	}
}

// What stands in for the package where there is no cgo has the same functions with the same types.
func TestTheStubHasEverything(t *testing.T) {
	files, err := filepath.Glob("*.go")
	must(t, err)
	real, stub := map[string]string{}, map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		must(t, err)
		switch {
		case strings.HasPrefix(string(content), "//go:build cgo"):
			declared(t, file, real)
		case file == "nocgo.go":
			declared(t, file, stub)
		}
	}
	for name, types := range real {
		if stub[name] != types {
			t.Errorf("%s: expected %s in the stub, found %s", name, types, stub[name])
		}
	}
	if len(real) != len(stub) || len(real) < 40 {
		t.Errorf("expected as many functions, found %d and %d", len(real), len(stub))
	}
}

// declared adds a file's exported functions and methods with their types.
func declared(t *testing.T, file string, into map[string]string) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, 0)
	must(t, err)
	for _, declaration := range parsed.Decls {
		function, is := declaration.(*ast.FuncDecl)
		if !is || !function.Name.IsExported() {
			continue
		}
		name := function.Name.Name
		if function.Recv != nil {
			name = typeText(set, function.Recv.List[0].Type) + "." + name
		}
		into[name] = fmt.Sprint(types(set, function.Type.Params), types(set, function.Type.Results))
	}
}

func types(set *token.FileSet, fields *ast.FieldList) (list []string) {
	if fields == nil {
		return nil
	}
	for _, field := range fields.List {
		for i := 0; i < max(len(field.Names), 1); i++ {
			list = append(list, typeText(set, field.Type))
		}
	}
	return list
}

func typeText(set *token.FileSet, node ast.Expr) string {
	var text strings.Builder
	_ = printer.Fprint(&text, set, node)
	return text.String()
}

func header(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "include/sogov.h"))
	must(t, err)
	return string(content)
}
