// Which addresses programs in Go read in a From field, for tests/e2e/judges.py. Fields and answers are those of read_from.pl.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net/mail"
	"os"
	"strings"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		value, _ := hex.DecodeString(lines.Text())
		var found []string
		if list, err := mail.ParseAddressList(string(value)); err == nil {
			for _, one := range list {
				found = append(found, hex.EncodeToString([]byte(one.Address)))
			}
		}
		fmt.Println(strings.Join(found, "\t"))
	}
}
