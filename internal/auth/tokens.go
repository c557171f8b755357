package auth

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/reeve-run/reeve"
)

// TokenPrefix begins every token that NewToken makes, so that scanners of leaked secrets know one.
const TokenPrefix = "reeve_"

// NewToken makes a token of 256 random bits and the line for the token file that lets it in.
// The error has CodeInvalid when the owner's name cannot stand in the file.
func NewToken(owner string, operator bool) (token, line string, err error) {
	if err := checkOwner(owner); err != nil {
		return "", "", err
	}
	secret := make([]byte, 32)
	rand.Read(secret) // it never fails, by its contract
	token = TokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	line = HashToken(token) + " " + owner
	if operator {
		line += " operator"
	}
	return token, line, nil
}

// HashToken is how the token file names a token: its SHA-256 in hex.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func checkOwner(owner string) error {
	if err := reeve.CheckName("owner", owner); err != nil {
		return err
	}
	if strings.ContainsFunc(owner, func(r rune) bool { return r == ' ' || r == '\t' }) {
		return reeve.Errorf(reeve.CodeInvalid, "owner %q: no white space allowed", owner)
	}
	return nil
}

// Tokens is a set of known tokens.
type Tokens []known

type known struct {
	hash [sha256.Size]byte
	who  Principal
}

// ParseTokens reads a token file: a line is the SHA-256 of the token in hex, the owner, and
// "operator" where he is one. Empty lines and those that begin with # are passed over. An error
// names the line.
func ParseTokens(r io.Reader) (Tokens, error) {
	var set Tokens
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		k, err := parseLine(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		set = append(set, k)
	}
	return set, lines.Err()
}

func parseLine(text string) (known, error) {
	fields := strings.Fields(text)
	if len(fields) < 2 || len(fields) > 3 {
		return known{}, reeve.Errorf(reeve.CodeInvalid, "want SHA256-HEX OWNER [operator], not %d words", len(fields))
	}
	var k known
	sum, err := hex.DecodeString(fields[0])
	if err != nil || len(sum) != len(k.hash) {
		return known{}, reeve.Errorf(reeve.CodeInvalid,
			"the first word must be a token's SHA-256, 64 hex digits (reeve token new prints the line)")
	}
	copy(k.hash[:], sum)
	if err := checkOwner(fields[1]); err != nil {
		return known{}, err
	}
	k.who.Owner = fields[1]
	if len(fields) == 3 {
		if fields[2] != "operator" {
			return known{}, reeve.Errorf(reeve.CodeInvalid, "the third word is %q: only operator may stand there", fields[2])
		}
		k.who.Operator = true
	}
	return k, nil
}

// Find looks at every token, so that the time it takes says nothing about any of them.
func (t Tokens) Find(token string) (Principal, bool) {
	sum := sha256.Sum256([]byte(token))
	var who Principal
	found := false
	for i := range t {
		if subtle.ConstantTimeCompare(sum[:], t[i].hash[:]) == 1 {
			who, found = t[i].who, true
		}
	}
	return who, found
}
