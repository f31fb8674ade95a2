// read WAY FILE|URL - the text
package main

import (
	"bufio"
	"compress/gzip"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	var in io.Reader
	way, arg := os.Args[1], os.Args[2]
	if way == "net/http" {
		answer, err := http.Get(arg)
		if err != nil {
			log.Fatal(err)
		}
		in = answer.Body
	} else {
		file, err := os.Open(arg)
		if err != nil {
			log.Fatal(err)
		}
		if way == "Multistream(false)" {
			// Without ReadByte the reader would take more than it needs.
			z, err := gzip.NewReader(bufio.NewReader(file))
			if err != nil {
				log.Fatal(err)
			}
			z.Multistream(false)
			in = z
		} else if in, err = gzip.NewReader(file); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := io.Copy(os.Stdout, in); err != nil {
		log.Fatal(err)
	}
}
