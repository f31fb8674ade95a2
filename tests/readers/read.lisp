;; read.lisp FILE - the text
(require :asdf)
(let ((*standard-output* *error-output*)) ; where it may say that it compiles
  (asdf:load-system :chipz))
(let ((out (sb-sys:make-fd-stream 1 :output t :element-type '(unsigned-byte 8)
                                  :buffering :full)))
  (with-open-file (in (second sb-ext:*posix-argv*)
                      :element-type '(unsigned-byte 8))
    (chipz:decompress out 'chipz:gzip in))
  (finish-output out))
