package paste

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// decode returns a text in UTF-8 that a file has in another encoding: in UTF-16 with a
// byte order mark, as Excel's "Unicode text", or in Windows-1252, as its "CSV" in Western
// Europe and America. A text with bytes that are not UTF-8 among as many characters that
// are stays as it is: its addresses must not become others.
func decode(text string) string {
	for mark, order := range map[string]binary.ByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian} {
		if rest, found := strings.CutPrefix(text, mark); found {
			units := make([]uint16, len(rest)/2)
			for i := range units {
				units[i] = order.Uint16([]byte(rest[2*i : 2*i+2]))
			}
			return string(utf16.Decode(units))
		}
	}
	if utf8.ValidString(text) {
		return text
	}
	wrong := 0
	for _, r := range text {
		switch {
		case r == utf8.RuneError:
			wrong++
		case r >= utf8.RuneSelf:
			wrong--
		}
	}
	if wrong <= 0 {
		return text
	}
	decoded, err := charmap.Windows1252.NewDecoder().String(text)
	if err != nil {
		return text
	}
	return decoded
}
