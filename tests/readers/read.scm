;; read.scm FILE - the text
(use-modules (zlib) (ice-9 binary-ports))
(call-with-gzip-input-port (open-input-file (cadr (command-line)) #:binary #t)
  (lambda (in)
    (let loop ((part (get-bytevector-n in 65536)))
      (unless (eof-object? part)
        (put-bytevector (current-output-port) part)
        (loop (get-bytevector-n in 65536))))))
