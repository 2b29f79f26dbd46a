package roqtest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// platformError is a refusal as the platform words it. It is the error of a
// GraphQL resolver, which puts it under extensions, and of the REST endpoints.
type platformError struct {
	status    int
	errorCode string
	message   string
	variables map[string]any
}

func (e *platformError) Error() string { return e.message }

// Extensions is what the GraphQL engine puts beside the message.
func (e *platformError) Extensions() map[string]any {
	return map[string]any{
		"code": e.graphQLCode(),
		"response": map[string]any{
			"statusCode":   e.status,
			"error":        http.StatusText(e.status),
			"errorCode":    e.errorCode,
			"errorSubCode": nil,
			"message":      e.message,
			"variables":    e.variables,
		},
	}
}

// graphQLCode is the code that Apollo gives an exception of that status. That
// other statuses are INTERNAL_SERVER_ERROR is our reading of NestJS.
func (e *platformError) graphQLCode() string {
	switch e.status {
	case http.StatusBadRequest:
		return "BAD_USER_INPUT"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "FORBIDDEN"
	default:
		return "INTERNAL_SERVER_ERROR"
	}
}

// inviteText is the error of one invite among others: a string that holds JSON.
func (e *platformError) inviteText() string {
	text, _ := json.Marshal(map[string]any{"message": e.message, "variables": e.variables, "errorCode": e.errorCode})
	return string(text)
}

// writeREST answers a REST endpoint's failure in the way of NestJS.
func (e *platformError) writeREST(w http.ResponseWriter) {
	writeJSON(w, e.status, map[string]any{
		"statusCode": e.status,
		"error":      http.StatusText(e.status),
		"errorCode":  e.errorCode,
		"message":    e.message,
	})
}

// refuse answers that the platform refuses a request with that status, and with no
// code of its own.
func refuse(w http.ResponseWriter, r *http.Request, status int) {
	e := &platformError{status: status, message: http.StatusText(status)}
	if !strings.HasSuffix(r.URL.Path, "/graphql") {
		writeJSON(w, status, map[string]any{"statusCode": status, "message": e.message})
		return
	}
	extensions := map[string]any{"code": e.graphQLCode(), "response": map[string]any{"statusCode": status, "message": e.message}}
	writeJSON(w, status, map[string]any{"data": nil, "errors": []any{map[string]any{"message": e.message, "extensions": extensions}}})
}

func badInput(message string) *platformError {
	return &platformError{status: http.StatusBadRequest, errorCode: "BAD_USER_INPUT", message: message}
}

func unauthorized(code, message string) *platformError {
	return &platformError{status: http.StatusUnauthorized, errorCode: code, message: message}
}

func forbidden(message string) *platformError {
	return &platformError{status: http.StatusForbidden, errorCode: "FORBIDDEN", message: message}
}

func notFound(code, message string) *platformError {
	return &platformError{status: http.StatusNotFound, errorCode: code, message: message}
}

func conflict(code, message string) *platformError {
	return &platformError{status: http.StatusConflict, errorCode: code, message: message}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "the response cannot be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}
