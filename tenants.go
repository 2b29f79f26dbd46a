package roq

import (
	"context"
	"time"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// Tenant is a tenant of the environment: who its users belong to. What the platform has
// no value for is the zero value; times are UTC.
type Tenant struct {
	// ID is the tenantId of users and invites.
	ID string
	// Name is for people.
	Name string
	// Reference is what the application itself calls the tenant, if it says so.
	Reference string
	// CreatedAt and UpdatedAt are by the platform's clock, in whole milliseconds.
	CreatedAt, UpdatedAt time.Time
}

// Tenant returns the tenant with that id, or [ErrNotFound]: its name is what an
// invitation page shows.
//
// It is a query: network errors, 429 and 5xx are retried.
func (p *RoqPlatform) Tenant(ctx context.Context, id string, opts ...CallOption) (tenant *Tenant, err error) {
	as := p.identity()
	call, err := as.beginOne(ctx, wire.GetTenant.Name, "the tenant's id ", id, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{})
	defer func() { end(trace.CallEnd{Err: err}) }()
	var found wire.Tenant
	reply := call.Do(ctx, as.as, exchange.Request{
		Operation: wire.GetTenant,
		Variables: wire.GetID{ID: id},
		Purpose:   exchange.PurposeCall,
		Attempts:  call.Pace.MaxAttempts,
		MaxBytes:  exchange.AnswerBytes(1),
		Restart:   func() { found = wire.Tenant{} },
		Sink:      wire.Sink{Into: &found},
	})
	if !reply.Data {
		return nil, failed(reply.Failure)
	}
	return &Tenant{
		ID:        string(found.ID),
		Name:      found.Name,
		Reference: found.Reference,
		CreatedAt: found.CreatedAt.UTC(),
		UpdatedAt: found.UpdatedAt.UTC(),
	}, failed(reply.Failure)
}
