package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"latchkey": main,
		"hold":     hold,
		"foreign":  writeForeign,
	})
}

// hold USE FOLDER [FILE] is a process that uses a data folder. With FILE it
// writes that once it has the folder and stays until it is killed.
func hold() {
	sh := &shell{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now}
	how := map[string]use{"beside": beside, "serving": serving, "alone": alone}[os.Args[1]]
	f, err := openFolder(os.Args[2], how)
	if err != nil {
		os.Exit(sh.fail(err))
	}
	if len(os.Args) > 3 {
		if err := os.WriteFile(os.Args[3], nil, 0o600); err != nil {
			os.Exit(sh.fail(err))
		}
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, os.Interrupt)
		<-stop
	}
	os.Exit(sh.fail(f.Close()))
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code,
			"held": held,
		},
	})
}

// code N PROGRAM ARGS… runs a program that must end with exit code N.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [args…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v ended with %d, not %d", args[1:], got, want)
	}
}

// held FILE waits until a hold in the background has written FILE.
func held(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: held FILE")
	}
	path := ts.MkAbs(args[0])
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s was not written", path)
		}
	}
}
