package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// resident is the address of one of the made-up people who is a user of the embedded
// platform already.
func resident(i int) string { return fmt.Sprintf("resident.%d@example.com", i) }

// everyNth is how often something is wrong with the made-up people.
const everyNth = 1000

// makePeople writes a CSV file of so many people, the same each time. Of every
// thousand, and among the first ten, one address has no domain, one comes again in
// capitals, one is a resident's, and one row has a cell too many.
func makePeople(out io.Writer, people int) error {
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, "E-mail,First name,Last name,Language,Roles")
	first := strings.Fields("Ada Alan Barbara Claude Dennis Edsger Frances Grace Hedy John Ken Margaret Niklaus Radia Tony Vint")
	last := strings.Fields("Ahlberg Bauer Costa Diallo Eriksen Fischer García Haddad Ivanova Jansen Kowalski Li Moreau Nguyen Okafor Petrov Quinn Rossi Sato")
	locales := []string{"en-US", "de-DE", "fr-FR"}
	for i := range people {
		name, surname := first[i%len(first)], last[i/len(first)%len(last)]
		address := fmt.Sprintf("%s.%d@example.com", strings.ToLower(name), i)
		switch i % everyNth {
		case 3:
			address = fmt.Sprintf("%s.%d", strings.ToLower(name), i)
		case 5:
			address = strings.ToUpper(fmt.Sprintf("%s.%d@example.com", first[(i-1)%len(first)], i-1))
		case 7:
			address = resident(i)
		case 9:
			surname += "," + surname
		}
		fmt.Fprintf(w, "%s,%s,%s,%s,editor|reader\n", address, name, surname, locales[i%len(locales)])
	}
	return w.Flush()
}

// residents are the addresses of those who are users already.
func residents(people int) []string {
	var all []string
	for i := 7; i < people; i += everyNth {
		all = append(all, resident(i))
	}
	return all
}
