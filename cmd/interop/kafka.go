package main

import (
	"bytes"
	"embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

//go:embed java
var sources embed.FS

// dependencyPlugin copies jars; pinned, since Maven takes the newest otherwise.
const dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"

// kafka runs Java programs with Kafka's jars.
type kafka struct {
	version   string
	classPath string
}

// newKafka fetches Kafka's jars and compiles our programs, as far as the work
// directory does not have them.
func newKafka(work string, progress io.Writer) (*kafka, error) {
	var missing []string
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("not found: %s; interop needs Java 17 or newer with its compiler, and Maven",
			strings.Join(missing, ", "))
	}
	pom, err := sources.ReadFile("java/pom.xml")
	if err != nil {
		return nil, err
	}
	version, err := kafkaVersion(pom)
	if err != nil {
		return nil, err
	}
	if work == "" {
		if work, err = os.UserCacheDir(); err != nil {
			return nil, fmt.Errorf("no cache directory, name one by --work: %w", err)
		}
		work = filepath.Join(work, "brokerlab", "interop")
	}
	if work, err = filepath.Abs(filepath.Join(work, "kafka-"+version)); err != nil {
		return nil, err
	}
	lib := filepath.Join(work, "lib")
	if err := fetch(work, lib, pom, progress); err != nil {
		return nil, err
	}
	classes := filepath.Join(work, "classes")
	if err := compile(work, lib, classes); err != nil {
		return nil, err
	}
	return &kafka{version: version, classPath: classes + string(filepath.ListSeparator) + filepath.Join(lib, "*")}, nil
}

func kafkaVersion(pom []byte) (string, error) {
	var project struct {
		Dependencies []struct {
			Artifact string `xml:"artifactId"`
			Version  string `xml:"version"`
		} `xml:"dependencies>dependency"`
	}
	if err := xml.Unmarshal(pom, &project); err != nil {
		return "", fmt.Errorf("pom.xml: %w", err)
	}
	for _, d := range project.Dependencies {
		if strings.HasPrefix(d.Artifact, "kafka_") {
			return d.Version, nil
		}
	}
	return "", errors.New("pom.xml names no Kafka")
}

// fetch copies the jars that the pom names into lib. A copy of the pom beside them
// says that they are whole.
func fetch(work, lib string, pom []byte, progress io.Writer) error {
	done := filepath.Join(work, "fetched.xml")
	if have, err := os.ReadFile(done); err == nil && bytes.Equal(have, pom) {
		return nil
	}
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := os.MkdirAll(lib, 0o755); err != nil {
		return err
	}
	file := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(file, pom, 0o644); err != nil {
		return err
	}
	fmt.Fprintln(progress, "interop: fetching Kafka's jars into", lib)
	cmd := exec.Command("mvn", "-B", "-q", "-f", file, dependencyPlugin+":copy-dependencies", "-DoutputDirectory="+lib)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, out)
	}
	return os.Rename(file, done)
}

func compile(work, lib, classes string) error {
	src := filepath.Join(work, "java")
	if err := errors.Join(os.RemoveAll(src), os.RemoveAll(classes), os.MkdirAll(src, 0o755)); err != nil {
		return err
	}
	names, err := fs.Glob(sources, "java/*.java")
	if err != nil {
		return err
	}
	args := []string{"-Xlint:all,-serial,-processing,-path,-classfile", "-Werror", "-encoding", "UTF-8", "-d", classes,
		"-cp", filepath.Join(lib, "*")}
	for _, name := range names {
		text, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		file := filepath.Join(src, path.Base(name))
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
		args = append(args, file)
	}
	if out, err := exec.Command("javac", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("javac: %w\n%s", err, out)
	}
	return nil
}

// command is a Java program with arguments, to be run in dir. What it prints is
// UTF-8 whatever the locale is.
func (k *kafka) command(dir, class string, args ...string) *exec.Cmd {
	java := []string{"-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
		"-Dfile.encoding=UTF-8", "-Dsun.stdout.encoding=UTF-8", "-Dstdout.encoding=UTF-8",
		"-cp", k.classPath, class}
	cmd := exec.Command("java", append(java, args...)...)
	cmd.Dir = dir
	return cmd
}

// output runs a program of ours and returns what it printed. Anything on standard
// error is an error.
func (k *kafka) output(dir, class string, args ...string) (string, error) {
	cmd := k.command(dir, class, args...)
	var errText strings.Builder
	cmd.Stderr = &errText
	out, err := cmd.Output()
	if err != nil || errText.Len() > 0 {
		return "", fmt.Errorf("%s: %w\n%s", class, errors.Join(err, errors.New("it complained")), errText.String())
	}
	return string(out), nil
}
