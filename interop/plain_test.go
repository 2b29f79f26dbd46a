package interop_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// plain turns a value of this module into what it is in JavaScript: names as the
// platform spells them, null for what is zero. Without nulls, as arguments are
// written, what is zero is left out.
func plain(t testing.TB, v any, nulls bool) any {
	t.Helper()
	encoded, err := json.Marshal(plainValue(reflect.ValueOf(v), nulls))
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, encoded)
}

func decoded(t testing.TB, encoded []byte) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(encoded, &out); err != nil {
		t.Fatalf("%v: %s", err, encoded)
	}
	return out
}

func plainValue(v reflect.Value, nulls bool) any {
	switch x := v.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return nil
		}
		return x.Format("2006-01-02T15:04:05.000Z07:00")
	case json.RawMessage:
		return x
	case map[string]any:
		if x == nil {
			return nil
		}
		return x
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plainValue(v.Elem(), nulls)
	case reflect.Struct:
		members := map[string]any{}
		for field, value := range v.Fields() {
			if !field.IsExported() || field.Name == "Index" { // the platform has no such member
				continue
			}
			if member := plainValue(value, nulls); member != nil || nulls {
				members[platformName(field.Name)] = member
			}
		}
		return members
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plainValue(v.Index(i), nulls)
		}
		return list
	case reflect.String:
		if v.Len() == 0 {
			return nil
		}
	case reflect.Int:
		if v.IsZero() && !nulls {
			return nil
		}
	}
	return v.Interface()
}

// platformName is how the platform spells the name of a field: TenantID is
// tenantId there.
func platformName(field string) string {
	if field == "Variables" {
		return "injectableVariables"
	}
	if id, ok := strings.CutSuffix(field, "ID"); ok {
		field = id + "Id"
	}
	return strings.ToLower(field[:1]) + field[1:]
}
