package roq_test

import (
	"go/ast"
	"go/doc"
	goparser "go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packageDoc reads a package as go doc does, with the examples of its tests.
func packageDoc(t *testing.T, dir, path string) *doc.Package {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		file, err := goparser.ParseFile(set, name, nil, goparser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(set, files, path)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// Every exported name says what it is, and everything that can be called is
// shown in use.
func TestEverythingIsDocumented(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "journal", "roqtest", "inviteui"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			pkg := packageDoc(t, dir, "github.com/go-roq/roq/"+dir)
			documented := func(name, text string) {
				if !strings.HasPrefix(text, name[strings.LastIndex(name, ".")+1:]+" ") {
					t.Errorf("the comment of %s begins with %.30q, want its name", name, text)
				}
			}
			shown := func(name string, examples []*doc.Example) {
				if len(examples) == 0 {
					t.Errorf("%s has no example", name)
				}
				for _, e := range examples {
					if e.Output == "" {
						t.Errorf("an example of %s has no output", name)
					}
				}
			}
			values := func(group *doc.Value) {
				for _, spec := range group.Decl.Specs {
					if spec := spec.(*ast.ValueSpec); group.Doc == "" && spec.Doc.Text() == "" {
						t.Errorf("%s has no comment", spec.Names[0].Name)
					}
				}
			}
			functions := func(of string, all []*doc.Func) {
				for _, f := range all {
					documented(of+f.Name, f.Doc)
					// What implements an interface is called by others.
					if !slices.Contains([]string{"Error", "Is", "As", "Unwrap", "Format", "MarshalJSON", "LogValue"}, f.Name) {
						shown(of+f.Name, f.Examples)
					}
				}
			}
			for _, group := range slices.Concat(pkg.Consts, pkg.Vars) {
				values(group)
			}
			functions("", pkg.Funcs)
			for _, typ := range pkg.Types {
				documented(typ.Name, typ.Doc)
				functions("", typ.Funcs)
				functions(typ.Name+".", typ.Methods)
				for _, group := range slices.Concat(typ.Consts, typ.Vars) {
					values(group)
				}
				for _, name := range undocumentedFields(typ.Decl) {
					t.Errorf("%s.%s has no comment", typ.Name, name)
				}
			}
			shown("the package", pkg.Examples)
		})
	}
}

// undocumentedFields returns the exported fields of a struct that neither they
// nor the fields beside them on their line have a comment for.
func undocumentedFields(decl *ast.GenDecl) []string {
	var names []string
	for _, spec := range decl.Specs {
		typ, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range typ.Fields.List {
			for _, name := range field.Names {
				if name.IsExported() && field.Doc.Text()+field.Comment.Text() == "" {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}
