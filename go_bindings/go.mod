module sogov.internal/sogov

go 1.19
