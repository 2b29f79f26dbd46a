// Package genqlient is the client that Khan/genqlient generates from the
// platform's schema and operations.graphql.
package genqlient

//go:generate go tool genqlient genqlient.yaml
