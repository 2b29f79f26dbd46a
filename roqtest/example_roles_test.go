package roqtest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-roq/roq/roqtest"
)

func ExampleServer_AddRole() {
	srv := roqtest.NewServer()
	defer srv.Close()
	_, platform := acme(srv)
	srv.AddRole(roqtest.Role{Key: "auditor", Name: "Auditor"})
	srv.AddRole(roqtest.Role{Key: "admin", Name: "Admin", NotForInvites: true}) // in place of the default one

	roles, err := platform.InviteRoles(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, role := range roles {
		fmt.Println(role.Key, role.Name)
	}
	// Output:
	// auditor Auditor
	// content-creator Content creator
	// member Member
}

func ExampleServer_Roles() {
	srv := roqtest.NewServer()
	defer srv.Close()
	for _, role := range srv.Roles() {
		fmt.Println(role.Key, role.Name)
	}
	// Output:
	// admin Admin
	// member Member
	// content-creator Content creator
}

// A page hides its role field, because there is nothing to choose.
func ExampleWithRoles() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	_, platform := acme(srv)

	roles, err := platform.InviteRoles(context.Background())
	fmt.Println(len(roles), err)
	// Output:
	// 0 <nil>
}
