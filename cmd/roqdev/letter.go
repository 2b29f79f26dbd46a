package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// words are the texts of an invitation e-mail in one language. The texts with verbs take
// the inviter and the tenant, in this order, or the invitee.
type words struct {
	Subject, Reminder, Greeting, Hello, Body, Button, Ignore, Somebody string
}

// languages are those that invitations are written in; others are in English. The
// platform's own texts are not published, so these are our reading.
var languages = map[string]words{
	"en": {"%s invites you to %s", "Reminder: %s invites you to %s", "Hello %s,", "Hello,", "%s invites you to join %s.", "Accept the invitation", "Not interested? Ignore this e-mail: nothing happens unless you accept.", "Somebody"},
	"de": {"%s lädt Sie zu %s ein", "Erinnerung: %s lädt Sie zu %s ein", "Guten Tag %s,", "Guten Tag,", "%s lädt Sie ein, %s beizutreten.", "Einladung annehmen", "Kein Interesse? Ignorieren Sie diese E-Mail: Ohne Ihre Zusage geschieht nichts.", "Jemand"},
	"fr": {"%s vous invite à rejoindre %s", "Rappel : %s vous invite à rejoindre %s", "Bonjour %s,", "Bonjour,", "%s vous invite à rejoindre %s.", "Accepter l’invitation", "Pas intéressé ? Ignorez cet e-mail : rien ne se passe sans votre accord.", "Quelqu’un"},
	"es": {"%s te invita a %s", "Recordatorio: %s te invita a %s", "Hola, %s:", "Hola:", "%s te invita a unirte a %s.", "Aceptar la invitación", "¿No te interesa? Ignora este correo: no ocurre nada si no aceptas.", "Alguien"},
	"it": {"%s ti invita in %s", "Promemoria: %s ti invita in %s", "Ciao %s,", "Ciao,", "%s ti invita a entrare in %s.", "Accetta l’invito", "Non ti interessa? Ignora questa e-mail: senza il tuo consenso non accade nulla.", "Qualcuno"},
	"pt": {"%s convida você para %s", "Lembrete: %s convida você para %s", "Olá, %s,", "Olá,", "%s convida você para participar de %s.", "Aceitar o convite", "Não tem interesse? Ignore este e-mail: nada acontece se você não aceitar.", "Alguém"},
	"nl": {"%s nodigt je uit voor %s", "Herinnering: %s nodigt je uit voor %s", "Hallo %s,", "Hallo,", "%s nodigt je uit om lid te worden van %s.", "Uitnodiging accepteren", "Geen interesse? Negeer deze e-mail: er gebeurt niets zolang je niet accepteert.", "Iemand"},
}

// language returns the language of a locale such as de-DE, and its texts.
func language(locale string) (code string, w words) {
	code = strings.ToLower(locale)
	if i := strings.IndexAny(code, "-_"); i >= 0 {
		code = code[:i]
	}
	w, known := languages[code]
	if !known {
		return "en", languages["en"]
	}
	return code, w
}

// mail is an e-mail in the inbox with its invite as it is now.
type mail struct {
	roqtest.Email
	Tenant, Inviter string
	Invite          roq.UserInvite
	// Status is that of the invite, and "removed" if there is none any more.
	Status string
	// Open is whether the invitation can be accepted.
	Open bool
}

// letter is the e-mail as the invitee reads it.
type letter struct {
	Lang, Subject, Greeting, Body, Button, Ignore, Link string
}

// Text is the e-mail as plain text.
func (l letter) Text() string {
	return strings.Join([]string{l.Greeting, l.Body, l.Button + ":\n" + l.Link, l.Ignore}, "\n\n") + "\n"
}

// mail completes an e-mail with what belongs to it.
func (s *site) mail(m roqtest.Email) mail {
	full := mail{Email: m, Status: "removed"}
	if i, ok := s.platform.Invite(m.InviteID); ok {
		full.Invite, full.Status, full.Open = i, string(i.Status), i.Status == roq.StatusPending
		full.Tenant, full.Inviter = s.tenantName(i.TenantID), s.userName(i.CreatedByUserID)
	}
	return full
}

// letter writes the e-mail, in the language of its invite. The link begins with base.
func (m mail) letter(base string) letter {
	code, w := language(m.Invite.Locale)
	inviter, tenant := cut(longText, m.Inviter), cut(longText, m.Tenant)
	if inviter == "" {
		inviter = w.Somebody
	}
	if tenant == "" {
		tenant = "…" // the invite was removed
	}
	subject, greeting := w.Subject, w.Hello
	if m.Kind == roqtest.KindResend {
		subject = w.Reminder
	}
	if m.Invite.FirstName != "" {
		greeting = fmt.Sprintf(w.Greeting, cut(longText, m.Invite.FirstName))
	}
	return letter{
		Lang: code, Subject: fmt.Sprintf(subject, inviter, tenant), Greeting: greeting,
		Body: fmt.Sprintf(w.Body, inviter, tenant), Button: w.Button, Ignore: w.Ignore, Link: base + m.link(),
	}
}

// link is where the e-mail's link leads on this server.
func (m mail) link() string { return "/accept?" + url.Values{"token": {m.Token}}.Encode() }

// fullName is how a user is called.
func fullName(u roqtest.User) string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

// userName returns the name of a user, or the address if there is none.
func (s *site) userName(id string) string {
	u, _ := s.platform.User(id)
	if name := fullName(u); name != "" {
		return name
	}
	return u.Email
}

// tenantName returns the name of a tenant.
func (s *site) tenantName(id string) string {
	t, _ := s.platform.Tenant(id)
	return t.Name
}
