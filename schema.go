package roq

import (
	"fmt"

	"github.com/go-roq/roq/internal/wire"
)

// Schema is the version of the schema with which invites are sent.
type Schema int

const (
	// SchemaV2 is the form that today's published clients send: invites have Variables
	// and no Data.
	SchemaV2 Schema = iota
	// SchemaV1 is the form in the platform's guide: invites have Data and no
	// Variables.
	SchemaV1
)

// send is the operation that sends invites in this version of the schema.
func (s Schema) send(w wire.Send) (*wire.Operation, any) {
	if s == SchemaV1 {
		return wire.SendUserInvitesV1, wire.SendV1{UserInvites: w}
	}
	return wire.SendUserInvitesV2, wire.SendV2{Data: w}
}

// WithSchema sets the schema version with which invites are sent. The default is
// [SchemaV2].
func WithSchema(s Schema) Option {
	return clientOption(func(o *options) error {
		if s != SchemaV1 && s != SchemaV2 {
			return fmt.Errorf("roq: WithSchema(%d): must be SchemaV1 or SchemaV2", s)
		}
		o.schema = s
		return nil
	})
}
