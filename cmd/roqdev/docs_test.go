package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
)

// documented returns a block of the document about testing, with the address of a roqdev
// in it.
func (d *desk) documented(language, has string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "testing.md"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], has) {
			return strings.ReplaceAll(block[1], "http://127.0.0.1:4000", d.url)
		}
	}
	d.t.Fatalf("the document has no %s with %s", language, has)
	return ""
}

// tool finds a program that an example needs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(err)
	}
	return path
}

// node runs a program in JavaScript.
func (d *desk) node(program string) (stdout, stderr string, err error) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), tool(d.t, "node"), "--input-type=module", "-")
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(program), &out, &errs
	err = cmd.Run()
	return strings.TrimSpace(out.String()), errs.String(), err
}

// meanwhile invites somebody while an example starts: before or while it waits, which is
// the same to it.
func (d *desk) meanwhile(email string) {
	ended := make(chan struct{})
	d.t.Cleanup(func() { <-ended })
	go func() {
		defer close(ended)
		_, err := d.invites.SendUserInvites(d.t.Context(), roq.SendUserInvitesInput{TenantID: d.ann.TenantID, UserInvites: []roq.UserInviteInput{{Email: email}}})
		if err != nil {
			d.t.Error(err)
		}
	}()
}

// The document's end-to-end test runs as it is written: it waits, and accepts.
func TestDocumentedJavaScript(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	program := d.documented("js", "mails/wait")
	d.meanwhile("bob@example.com")
	if out, errs, err := d.node(program); err != nil || out != "accepted" {
		t.Errorf("the example prints %q and ends with %v\n%s", out, err, errs)
	}

	// If the e-mail does not come, the example says so after the time that it asked for.
	began := time.Now()
	late := strings.ReplaceAll(strings.ReplaceAll(program, "bob@", "nobody@"), "timeout=30s", "timeout=1s")
	out, errs, err := d.node(late)
	if took := time.Since(began); err == nil || out != "" || !strings.Contains(errs, "no such e-mail has arrived within 1s") || took < time.Second {
		t.Errorf("without an e-mail the example prints %q and ends with %v after %v\n%s", out, err, took, errs)
	}
}

// So does the example of the command's documentation, with a page that only prints.
func TestDocumentedCommand(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	for lines := bufio.NewScanner(bytes.NewReader(source)); lines.Scan(); {
		if line, ok := strings.CutPrefix(lines.Text(), "//\t"); ok && strings.Contains(line, "await ") {
			program.WriteString(strings.ReplaceAll(line, "http://127.0.0.1:4000", d.url) + "\n")
		}
	}
	d.meanwhile("bob@example.com")
	out, errs, err := d.node("const page = { goto: async (link) => console.log((await fetch(link)).status) };\n" + program.String())
	if err != nil || out != "200" {
		t.Errorf("%s prints %q and ends with %v\n%s", program.String(), out, err, errs)
	}
}

// The document's commands do what they say, in a shell.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	tool(t, "curl")
	d := newDesk(t)
	made := d.invite("bob@example.com", "Bob")
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", d.documented("sh", "curl")).Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	var troubles apiTroubles
	var clock apiClock
	if err := answers.Decode(&troubles); err != nil || len(troubles.Active) != 1 || troubles.Active[0].String() != "Errors 503 on sendUserInvites, 3 more times" {
		t.Errorf("after the first command the trouble is %+v, %v", troubles.Active, err)
	}
	if err := answers.Decode(&clock); err != nil || clock.Ahead < 1 || clock.NextExpiry != nil {
		t.Errorf("after the second command the clock is %+v, %v", clock, err)
	}
	if i, _ := d.platform.Invite(made.ID); i.Status != roq.StatusExpired {
		t.Errorf("after the second command the invite is %s", i.Status)
	}

	// Every operation that the command documents, with every parameter.
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"to": "bob@example.com", "email": "bob@example.com", "search": "b", "tenant": d.ann.TenantID, "status": "expired", "after": "0", "timeout": "1s",
	}
	operations := regexp.MustCompile(`(?m)^//\t(GET|POST) +(/dev/api/\S+) +(.*)$`).FindAllStringSubmatch(string(source), -1)
	if len(operations) < 14 {
		t.Fatalf("the documentation has %d operations", len(operations))
	}
	d.platform.ClearFaults()
	pending := d.invite("eve@example.com", "")
	for _, operation := range operations {
		id := "1"
		if strings.Contains(operation[2], "/invites/") {
			id = pending.ID
		}
		address := d.url + strings.ReplaceAll(operation[2], "{id}", id)
		args := []string{"-s", "-w", "%{http_code}", "-H", "Content-Type: application/json", "-X", operation[1]}
		if operation[1] == "POST" && strings.HasPrefix(operation[3], "{") {
			args = append(args, "-d", operation[3])
		}
		if _, names, ok := strings.Cut(operation[3], ": "); ok && operation[1] == "GET" {
			args = append(args, "-G")
			for name := range strings.SplitSeq(names, ", ") {
				if values[name] == "" {
					t.Errorf("%s documents the parameter %q, which has no value here", operation[2], name)
				}
				args = append(args, "--data-urlencode", name+"="+values[name])
			}
		}
		out, err := exec.CommandContext(t.Context(), "curl", append(args, address)...).Output()
		if answer, ok := strings.CutSuffix(string(out), "200"); err != nil || !ok || !json.Valid([]byte(answer)) {
			t.Errorf("curl %q = %s, %v", append(args, address), out, err)
		}
	}

	// A wait that is in vain ends with a clear answer when its time is over.
	out, err = exec.CommandContext(t.Context(), "curl", "-s", "-w", "%{http_code} %{time_total}", d.url+"/dev/api/mails/wait?to=nobody@example.com&timeout=1s").Output()
	if err != nil || !regexp.MustCompile(`(?s)^\{"error":"no such e-mail has arrived within 1s"\}\n404 1\.`).Match(out) {
		t.Errorf("a wait that is in vain = %s, %v", out, err)
	}
	for query, want := range map[string]string{"to=bob+1@example.com": "%2B", "to=": "one value", "to=a@example.com&to=b@example.com": "one value"} {
		var refused struct{ Error string }
		if status := d.get("/mails/wait?"+query, &refused); status != 400 || !strings.Contains(refused.Error, want) {
			t.Errorf("%s = %d %s", query, status, refused.Error)
		}
	}
}
