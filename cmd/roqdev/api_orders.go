package main

// What the API changes: an invite that expires, trouble, and the clock.

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

func (s *site) apiExpire(r *http.Request, q asked) (any, error) {
	id := r.PathValue("id")
	if _, ok := s.platform.Invite(id); !ok {
		return nil, errNoInvite
	}
	if err := s.platform.Expire(id); err != nil {
		return nil, &apiError{http.StatusConflict, err.Error()}
	}
	return s.apiInvite(r, q)
}

func (s *site) apiTroubleNow() apiTroubles {
	return apiTroubles{Active: append([]active{}, s.activeTroubles()...), Known: troubles}
}

// order reads what is to be changed: a JSON object without unknown members.
func order(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &apiError{http.StatusUnsupportedMediaType, "the body must be application/json"}
	}
	in := json.NewDecoder(io.LimitReader(r.Body, maxOrder))
	in.DisallowUnknownFields()
	err := in.Decode(into)
	if err == nil {
		if _, more := in.Token(); more != io.EOF {
			err = errors.New("something follows it")
		}
	}
	if err != nil {
		return badRequest("the body must be a JSON object as documented: " + cut(longText, err.Error()))
	}
	return nil
}

func (s *site) apiTrouble(r *http.Request, _ asked) (any, error) {
	var in struct {
		Trouble   string `json:"trouble"`
		Operation string `json:"operation"`
		Times     int    `json:"times"`
	}
	if err := order(r, &in); err != nil {
		return nil, err
	}
	if err := s.setTrouble(in.Trouble, in.Operation, in.Times); err != nil {
		return nil, badRequest(err.Error())
	}
	return s.apiTroubleNow(), nil
}

func (s *site) apiClockNow() apiClock {
	c := s.platform.Clock()
	known := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return apiClock{c.Now, c.Ahead.Seconds(), known(c.NextExpiry), known(c.NextWebhook), c.Webhooks}
}

func (s *site) apiClock(r *http.Request, _ asked) (any, error) {
	var in struct {
		Turn string `json:"turn"`
	}
	if err := order(r, &in); err != nil {
		return nil, err
	}
	switch err := s.turn(r.Context(), in.Turn); {
	case errors.Is(err, errNothingDue):
		return nil, &apiError{http.StatusConflict, err.Error()}
	case err != nil:
		return nil, badRequest(err.Error())
	}
	return s.apiClockNow(), nil
}
