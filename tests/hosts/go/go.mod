module sogov.test/hosts

go 1.19

require sogov.internal/sogov v0.0.0

replace sogov.internal/sogov => ../../../go_bindings
