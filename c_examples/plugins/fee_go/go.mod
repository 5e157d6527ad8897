module fee

go 1.19
