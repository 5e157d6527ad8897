module sogov.test/hosts

go 1.19
