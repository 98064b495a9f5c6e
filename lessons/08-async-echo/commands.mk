# What only lesson 8 has; the Makefile includes this file.
.PHONY: soak8

## soak8                            100,000 clients, one after the other, for lesson 8
soak8:
	$(run) harness/grade/soak-lesson 8
