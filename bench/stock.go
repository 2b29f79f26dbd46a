package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync/atomic"
)

// stock answers for any part of a list of invites, and makes invites for
// whatever addresses it is sent. Its rows are made once.
type stock struct {
	rows []row
	next atomic.Int64
}

func newStock() *stock { return &stock{rows: rows(population)} }

// list honours limit and offset, in the one order that it knows.
func (s *stock) list(body []byte) ([]byte, error) {
	var request struct {
		Variables struct {
			Limit, Offset int
			Order         *struct{ Sort, Order string }
		}
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	v := request.Variables
	if v.Order != nil && (v.Order.Sort != "createdAt" || v.Order.Order != "ASC") {
		return nil, errors.New("the one order of this platform is createdAt, ascending")
	}
	if v.Limit < 0 || v.Offset < 0 {
		return nil, errors.New("limit and offset must not be negative")
	}
	from := min(v.Offset, len(s.rows))
	return page(s.rows[from:min(from+v.Limit, len(s.rows))], nil), nil
}

// send finds the addresses without decoding the request: none of the comparison
// has a character that JSON escapes.
func (s *stock) send(body []byte) ([]byte, error) {
	var emails []string
	for rest := body; ; {
		_, after, found := bytes.Cut(rest, emailMember)
		if !found {
			break
		}
		_, after, _ = bytes.Cut(after, []byte{'"'})
		email, after, closed := bytes.Cut(after, []byte{'"'})
		if !closed {
			return nil, errors.New("an address does not end")
		}
		emails, rest = append(emails, string(email)), after
	}
	if len(emails) > len(s.rows) {
		return nil, errors.New("too many invites")
	}
	rows := make([]row, len(emails))
	for i := range rows {
		rows[i] = s.rows[(s.next.Add(1)-1)%int64(len(s.rows))]
	}
	return success(rows, emails), nil
}
