// The example of Go's net/smtp, with its values as arguments: HOST:PORT HOST USER PASSWORD SENDER RECIPIENT.
package main

import (
	"log"
	"net/smtp"
	"os"
)

func main() {
	a := os.Args
	auth := smtp.PlainAuth("", a[3], a[4], a[2])
	msg := []byte("To: " + a[6] + "\r\n" +
		"Subject: discount Gophers!\r\n" +
		"\r\n" +
		"This is the email body.\r\n")
	if err := smtp.SendMail(a[1], auth, a[5], []string{a[6]}, msg); err != nil {
		log.Fatal(err)
	}
}
