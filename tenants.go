package roq

import (
	"context"
	"time"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// Tenant is a tenant of the environment. Users belong to tenants. If the platform has no
// value for a field, the field is zero. Times are UTC.
type Tenant struct {
	// ID is the tenantId of users and invites.
	ID string
	// Name is the display name.
	Name string
	// Reference is the application's own name for the tenant, if it has set one.
	Reference string
	// CreatedAt and UpdatedAt are times of the platform's clock, in whole milliseconds.
	CreatedAt, UpdatedAt time.Time
}

// Tenant returns the tenant with that id, or [ErrNotFound]. An invitation page can show
// its name.
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
