package roq

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// identity is who is asking.
type identity struct {
	core *core
	// err refuses every call: there is nobody to ask for.
	err *Error
	// userID and tenantID stand for what an input leaves empty.
	userID, tenantID string
	as               *exchange.Identity
}

// identity returns who is asking. A nil or zero RoqPlatform is nobody.
func (p *RoqPlatform) identity() *identity {
	if p == nil || p.as == nil {
		return &identity{err: invalid("", "the RoqPlatform is nil or zero: Client.AsUser and others make one")}
	}
	return p.as
}

// begin refuses what is wrong with any call of an identity, before anything is
// sent.
func (as *identity) begin(ctx context.Context, operation string, opts []CallOption) (*exchange.Call, *callOptions, error) {
	if as.err != nil {
		return nil, nil, as.err.of(operation)
	}
	return as.core.begin(ctx, operation, opts)
}

// begin refuses what is wrong with any call, before anything is sent.
func (c *core) begin(ctx context.Context, operation string, opts []CallOption) (*exchange.Call, *callOptions, error) {
	opt := c.opt.callOptions
	opt.sized = false
	for i, o := range opts {
		if o == nil {
			return nil, nil, badOption(operation, i, nil)
		}
		if err := o.applyToCall(&opt); err != nil {
			return nil, nil, badOption(operation, i, err)
		}
	}
	call, err := c.call(ctx, operation, &opt)
	return call, &opt, err
}

// call makes a call with those options.
func (c *core) call(ctx context.Context, operation string, opt *callOptions) (*exchange.Call, error) {
	if ctx == nil {
		return nil, invalid(operation, "the context is nil")
	}
	call := &exchange.Call{Client: c.conn, Operation: operation, Settings: opt.settings()}
	call.RequestID = cmp.Or(opt.requestID, rand.Text())
	return call, nil
}

// settings are the options that a request goes by.
func (o *callOptions) settings() exchange.Settings {
	return exchange.Settings{Pace: o.pace, Timeout: o.timeout, Settle: o.settleTimeout, RequestID: o.requestID}
}

func badOption(operation string, i int, err error) *Error {
	if err == nil {
		return invalid(operation, fmt.Sprintf("call option %d is nil", i))
	}
	return invalid(operation, strings.TrimPrefix(err.Error(), "roq: "))
}

// one makes a query for one invite.
func (as *identity) one(ctx context.Context, call *exchange.Call, id string) (*UserInvite, *exchange.Failure) {
	var found *UserInvite
	reply := call.Do(ctx, as.as, exchange.Request{
		Operation: wire.UserInvite,
		Variables: wire.GetID{ID: id},
		Purpose:   exchange.PurposeCall,
		Attempts:  call.Pace.MaxAttempts,
		MaxBytes:  exchange.AnswerBytes(1),
		Restart:   func() { found = nil },
		Sink: wire.Sink{Most: 1, Invite: func(row *wire.Invite) error {
			found = userInvite(row)
			return nil
		}},
	})
	if !reply.Data {
		found = nil
	}
	return found, reply.Failure
}

// page makes a query for a page of a list. The page is there beside a failure if
// the platform gave both.
func (as *identity) page(ctx context.Context, call *exchange.Call, list wire.List, purpose string) (*UserInvitePage, *exchange.Failure) {
	page := new(UserInvitePage)
	request := exchange.Request{
		Operation: wire.UserInvites,
		Variables: list,
		Purpose:   purpose,
		Attempts:  call.Pace.MaxAttempts,
		Restart:   func() { page.Data = page.Data[:0] },
		Sink: wire.Sink{
			Most: maxRows,
			Invite: func(row *wire.Invite) error {
				page.Data = append(page.Data, UserInvite{})
				page.Data[len(page.Data)-1].read(row)
				return nil
			},
			Expect: func(more int) {
				rows := make([]UserInvite, len(page.Data), len(page.Data)+more)
				copy(rows, page.Data)
				page.Data = rows
			},
		},
	}
	if list.Limit > 0 {
		request.Sink.Most = max(list.Limit, exchange.LeastRows)
		request.MaxBytes = exchange.AnswerBytes(request.Sink.Most)
	}
	reply := call.Do(ctx, as.as, request)
	if !reply.Data {
		return nil, reply.Failure
	}
	if page.Data == nil {
		page.Data = []UserInvite{}
	}
	page.TotalCount = reply.Total
	return page, reply.Failure
}

// maxRows bounds a page without a Limit.
const maxRows = 50_000

// newSender makes the one way out of the options.
func (o *options) newSender() (*transport.Sender, error) {
	return transport.New(transport.Config{
		Client:           o.client,
		Wrap:             o.wrap,
		MaxResponseBytes: o.maxResponseBytes,
		MaxConnAge:       o.maxConnAge,
		Limiter:          o.limiter,
		Tracer:           o.tracer(),
	})
}
