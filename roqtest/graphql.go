package roqtest

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"

	"github.com/go-roq/roq"
)

// The published parts of the schema: that of invites, that of roles and tenants, and what
// ROQ's own page asks besides. Each extends those before it.
var (
	//go:embed schema.graphql
	invitesSchema string
	//go:embed schema-roles-tenants.graphql
	rolesSchema string
	//go:embed schema-page.graphql
	pageSchema string
)

// Schema returns the GraphQL schema that the platform serves.
func Schema() string { return invitesSchema + "\n" + rolesSchema + "\n" + pageSchema }

// parseSchema binds the schema to the resolvers. The fields of models are found
// by name.
func parseSchema(w *world) *graphql.Schema {
	return graphql.MustParseSchema(Schema(), &resolver{w}, graphql.UseFieldResolvers(), graphql.UseStringDescriptions())
}

// graphQLRequest is the body of a GraphQL request.
type graphQLRequest struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

// execute answers a GraphQL request in the way of Apollo: 400 if it was not
// executed at all, 200 if it was, whatever came of it.
func (s *Server) execute(ctx context.Context, c caller, r graphQLRequest) (status int, body any) {
	ctx = context.WithValue(context.WithValue(ctx, callerKey{}, c), worldKey{}, s.world)
	answer := s.schema.Exec(ctx, r.Query, r.OperationName, r.Variables)
	for _, e := range answer.Errors {
		complete(e)
	}
	// The engine finds some variables amiss only when it comes to the field.
	if len(answer.Errors) > 0 && answer.Errors[0].Path == nil {
		return http.StatusBadRequest, map[string]any{"errors": answer.Errors}
	}
	return http.StatusOK, answered{Errors: answer.Errors, Data: answer.Data}
}

// answered is the body of an answer of Apollo's: errors only if there are any,
// data always.
type answered struct {
	Errors []*gqlerrors.QueryError `json:"errors,omitempty"`
	Data   json.RawMessage         `json:"data"`
}

// complete gives an error of the engine's own the code that Apollo gives it.
func complete(e *gqlerrors.QueryError) {
	if e.Extensions != nil {
		return
	}
	code := "GRAPHQL_VALIDATION_FAILED"
	switch {
	case errors.Is(e, gqlerrors.ErrSyntax):
		code = "GRAPHQL_PARSE_FAILED"
	case e.Rule == "VariablesOfCorrectType", e.Rule == "" && e.ResolverError == nil:
		code = "BAD_USER_INPUT"
	case e.Rule == "":
		code = "INTERNAL_SERVER_ERROR"
	}
	e.Extensions = map[string]any{"code": code}
}

// refused answers a request that a guard turned away before it was executed: in
// NestJS that is an answer like any other, with an error and no data.
func refused(e *platformError) any {
	return answered{
		Errors: []*gqlerrors.QueryError{{Message: e.message, Extensions: e.Extensions()}},
		Data:   json.RawMessage("null"),
	}
}

// callerKey is the key of the caller in a request's context.
type callerKey struct{}

func callerOf(ctx context.Context) caller { return ctx.Value(callerKey{}).(caller) }

// worldKey is the key of the world in a request's context, for the relations of models.
type worldKey struct{}

func worldOf(ctx context.Context) *world { return ctx.Value(worldKey{}).(*world) }

// resolver answers the fields of Query and Mutation.
type resolver struct{ world *world }

// The models of the schema. Their fields are found by name; the tags are for
// webhooks.
type (
	inviteModel struct {
		ID               graphql.ID  `json:"id"`
		TenantID         *graphql.ID `json:"tenantId"`
		CreatedByUserID  graphql.ID  `json:"createdByUserId"`
		AcceptedByUserID *graphql.ID `json:"acceptedByUserId"`
		UserTokenID      graphql.ID  `json:"userTokenId"`
		Email            string      `json:"email"`
		FirstName        *string     `json:"firstName"`
		LastName         *string     `json:"lastName"`
		Locale           *string     `json:"locale"`
		RoleKeys         *[]string   `json:"roleKeys"`
		Status           string      `json:"status"`
		Data             *jsonObject `json:"data"`
		CreatedAt        date        `json:"createdAt"`
		UpdatedAt        *date       `json:"updatedAt"`
		StatusUpdatedAt  *date       `json:"statusUpdatedAt"`
	}
	pageModel struct {
		Data       []*inviteModel
		TotalCount int32
	}
	sentModel struct {
		Success *[]*inviteModel
		Errors  *[]*refusedModel
	}
	refusedModel struct{ Email, Error, FirstName, LastName string }
	tokenModel   struct {
		Email     *string
		IsExpired *bool
		IsValid   bool
	}
)

// model is an invite as the schema has it: what is not known is null.
func model(i roq.UserInvite) *inviteModel {
	m := &inviteModel{
		ID: graphql.ID(i.ID), CreatedByUserID: graphql.ID(i.CreatedByUserID), UserTokenID: graphql.ID(i.UserTokenID),
		TenantID: ref(graphql.ID(i.TenantID)), Email: i.Email, Status: string(i.Status),
		FirstName: known(i.FirstName), LastName: known(i.LastName), Locale: known(i.Locale),
		CreatedAt: date{i.CreatedAt}, UpdatedAt: &date{i.UpdatedAt}, StatusUpdatedAt: &date{i.StatusUpdatedAt},
	}
	if i.AcceptedByUserID != "" {
		m.AcceptedByUserID = ref(graphql.ID(i.AcceptedByUserID))
	}
	if i.RoleKeys != nil {
		m.RoleKeys = &i.RoleKeys
	}
	if i.Data != nil {
		m.Data = &jsonObject{i.Data}
	}
	return m
}

// known is nil, and so null, for what is not known.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func models(invites []roq.UserInvite) []*inviteModel {
	all := make([]*inviteModel, len(invites))
	for i := range invites {
		all[i] = model(invites[i])
	}
	return all
}

func one(i roq.UserInvite, err error) (*inviteModel, error) {
	if err != nil {
		return nil, err
	}
	return model(i), nil
}

func ref[T any](v T) *T { return &v }

// UserInvites resolves Query.userInvites.
func (r *resolver) UserInvites(ctx context.Context, args listArgs) (*pageModel, error) {
	page, total, err := r.world.list(callerOf(ctx), args)
	if err != nil {
		return nil, err
	}
	return &pageModel{Data: models(page), TotalCount: int32(total)}, nil
}

// UserInvite resolves Query.userInvite.
func (r *resolver) UserInvite(ctx context.Context, args struct{ ID graphql.ID }) (*inviteModel, error) {
	return one(r.world.get(callerOf(ctx), string(args.ID)))
}

// CheckUserInviteToken resolves Query.checkUserInviteToken.
func (r *resolver) CheckUserInviteToken(args struct{ Token string }) *tokenModel {
	email, valid, expired := r.world.checkToken(args.Token)
	m := &tokenModel{IsValid: valid}
	if email != "" {
		m.Email, m.IsExpired = &email, &expired
	}
	return m
}

// ResendUserInvite resolves Mutation.resendUserInvite.
func (r *resolver) ResendUserInvite(ctx context.Context, args struct{ ID graphql.ID }) (*inviteModel, error) {
	return one(r.world.resend(callerOf(ctx), string(args.ID)))
}

// CancelUserInvite resolves Mutation.cancelUserInvite.
func (r *resolver) CancelUserInvite(ctx context.Context, args struct{ ID graphql.ID }) (*inviteModel, error) {
	return one(r.world.cancel(callerOf(ctx), string(args.ID)))
}

// updateArg is UserInviteUpdateDto. A null clears, but for data, where it says nothing.
type updateArg struct {
	AcceptedByUserID            graphql.NullID
	Data                        *jsonObject
	FirstName, LastName, Locale graphql.NullString
}

// UpdateUserInvite resolves Mutation.updateUserInvite.
func (r *resolver) UpdateUserInvite(ctx context.Context, args struct {
	ID         graphql.ID
	UserInvite updateArg
}) (*inviteModel, error) {
	in := args.UserInvite
	to := change{data: deref(in.Data).raw}
	if in.AcceptedByUserID.Set {
		to.acceptedByUserID = ref(string(deref(in.AcceptedByUserID.Value)))
	}
	for into, text := range map[**string]graphql.NullString{&to.firstName: in.FirstName, &to.lastName: in.LastName, &to.locale: in.Locale} {
		if text.Set {
			*into = ref(deref(text.Value))
		}
	}
	return one(r.world.update(callerOf(ctx), string(args.ID), to))
}

type acceptArg struct{ Token string }

// AcceptUserInvite resolves Mutation.acceptUserInvite.
func (r *resolver) AcceptUserInvite(ctx context.Context, args struct{ AcceptUserInvite acceptArg }) (*inviteModel, error) {
	return one(r.world.accept(callerOf(ctx).user, args.AcceptUserInvite.Token))
}

// AcceptUserInviteV2 resolves Mutation.acceptUserInviteV2.
func (r *resolver) AcceptUserInviteV2(ctx context.Context, args struct{ Data acceptArg }) (*inviteModel, error) {
	return one(r.world.accept(callerOf(ctx).user, args.Data.Token))
}

// sendV1Arg is UserInvitesCreateDto.
type sendV1Arg struct {
	TenantID    *graphql.ID
	UserInvites []struct {
		CreatedByUserID             graphql.ID
		Email                       string
		Data                        *jsonObject
		FirstName, LastName, Locale *string
		Roles                       *[]string
		Status                      *string
		TenantID                    *graphql.ID
	}
}

// SendUserInvites resolves Mutation.sendUserInvites. That a status in the input
// has no effect on a new invite is our reading.
func (r *resolver) SendUserInvites(ctx context.Context, args struct{ UserInvites sendV1Arg }) (*sentModel, error) {
	inputs := make([]newInvite, len(args.UserInvites.UserInvites))
	for i, in := range args.UserInvites.UserInvites {
		inputs[i] = newInvite{createdByUserID: string(in.CreatedByUserID), email: in.Email, tenantID: string(deref(in.TenantID)),
			firstName: deref(in.FirstName), lastName: deref(in.LastName), locale: deref(in.Locale),
			roles: deref(in.Roles), data: deref(in.Data).raw}
	}
	return sent(r.world.send(callerOf(ctx), string(deref(args.UserInvites.TenantID)), inputs))
}

// sendV2Arg is UserInvitesCreateV2Dto.
type sendV2Arg struct {
	TenantID    graphql.ID
	UserInvites []struct {
		CreatedByUserID             graphql.ID
		Email                       string
		FirstName, LastName, Locale *string
		InjectableVariables         *jsonObject
		Roles                       *[]string
	}
}

// SendUserInvitesV2 resolves Mutation.sendUserInvitesV2.
func (r *resolver) SendUserInvitesV2(ctx context.Context, args struct{ Data sendV2Arg }) (*sentModel, error) {
	inputs := make([]newInvite, len(args.Data.UserInvites))
	for i, in := range args.Data.UserInvites {
		inputs[i] = newInvite{createdByUserID: string(in.CreatedByUserID), email: in.Email,
			firstName: deref(in.FirstName), lastName: deref(in.LastName), locale: deref(in.Locale), roles: deref(in.Roles)}
	}
	return sent(r.world.send(callerOf(ctx), string(args.Data.TenantID), inputs))
}

// sent is the answer to a send of either schema version. The schema's names of a
// refused invite are not null, and empty if the input had none.
func sent(made []roq.UserInvite, refused []refusedInvite, err error) (*sentModel, error) {
	if err != nil {
		return nil, err
	}
	success, errs := models(made), make([]*refusedModel, len(refused))
	for i, r := range refused {
		errs[i] = &refusedModel{Email: r.email, Error: r.err.inviteText(), FirstName: r.firstName, LastName: r.lastName}
	}
	return &sentModel{Success: &success, Errors: &errs}, nil
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// date is the schema's Date.
type date struct{ time.Time }

// ImplementsGraphQLType says which scalar this is.
func (date) ImplementsGraphQLType(name string) bool { return name == "Date" }

// UnmarshalGraphQL is required of a scalar; no argument of the schema is a Date.
func (d *date) UnmarshalGraphQL(any) error { return errors.New("a Date is not an input") }

// MarshalJSON writes what JavaScript's toISOString does.
func (d date) MarshalJSON() ([]byte, error) {
	return []byte(d.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// jsonObject is the schema's JsonObject.
type jsonObject struct{ raw json.RawMessage }

// ImplementsGraphQLType says which scalar this is.
func (jsonObject) ImplementsGraphQLType(name string) bool { return name == "JsonObject" }

// UnmarshalGraphQL takes an object.
func (j *jsonObject) UnmarshalGraphQL(input any) error {
	if _, ok := input.(map[string]any); !ok {
		return badInput("a JsonObject must be an object")
	}
	var err error
	j.raw, err = json.Marshal(input)
	return err
}

// MarshalJSON writes the object as it came.
func (j jsonObject) MarshalJSON() ([]byte, error) { return j.raw, nil }
