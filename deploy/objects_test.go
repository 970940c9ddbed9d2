package deploy_test

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/edge-adapt/edge/internal/objectstore"
)

const testBucket = "fleet" // the manifests'

// startStore runs an object store with the manifests' bucket, and returns a
// client of it and its address.
func startStore(t *testing.T) (client *minio.Client, url string) {
	t.Helper()
	address := objectstore.Start(t, testBucket)
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(objectstore.Key, objectstore.Secret, ""), Region: objectstore.Region})
	if err != nil {
		t.Fatal(err)
	}
	return client, "http://" + address
}

// environment is what the manifest gives the container, with the test's object
// store in place of the manifest's.
func environment(t *testing.T, file, url string) []string {
	t.Helper()
	c, _ := readJob(t, file)
	var env []string
	for _, v := range c.Env {
		value, ref := v.Value, v.ValueFrom.SecretKeyRef
		switch {
		case v.Name == "AWS_ENDPOINT_URL" && strings.HasPrefix(value, "https://"):
			value = url
		case v.Name == "AWS_ACCESS_KEY_ID" && value == "" && ref.Name == "edge-object-store" && ref.Key == "access-key-id":
			value = objectstore.Key
		case v.Name == "AWS_SECRET_ACCESS_KEY" && value == "" && ref.Name == "edge-object-store" && ref.Key == "secret-access-key":
			value = objectstore.Secret
		case v.Name == "AWS_REGION":
		default:
			t.Errorf("%s gives %+v", file, v)
		}
		env = append(env, v.Name+"="+value)
	}
	if len(env) != 4 {
		t.Fatalf("%s gives %v", file, env)
	}
	return env
}

// TestEntryPointsWithObjectStore does what TestEntryPoints does, each pod on a
// machine of its own, and then compares the runs of a smaller sweep.
func TestEntryPointsWithObjectStore(t *testing.T) {
	newTrainer(t) // or skip before a server is started
	client, url := startStore(t)
	for _, class := range classes {
		paths, err := filepath.Glob(filepath.Join("..", "samples", class, "*.jpg"))
		if err != nil || len(paths) == 0 {
			t.Fatal(paths, err)
		}
		for _, path := range paths {
			key := "samples/" + class + "/" + filepath.Base(path)
			if _, err := client.FPutObject(t.Context(), testBucket, key, path, minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	start := func(file string, words ...string) (string, error) {
		return newTrainer(t).start(t, file, environment(t, file, url), words...)
	}
	there := func(key string) {
		t.Helper()
		if info, err := client.StatObject(context.Background(), testBucket, key, minio.StatObjectOptions{}); err != nil || info.Size == 0 {
			t.Errorf("%s: %v", key, err)
		}
	}
	for range 2 {
		if out, err := start("job-s3.yaml"); err != nil {
			t.Fatalf("job-s3.yaml: %v\n%s", err, out)
		}
		there("tuned/base.tflite")
	}
	small := []string{"0,0.1,0.2,0.5", "0,0.1", "1,2,3", "3"} // two runs instead of twelve
	for n, folder := range map[string]string{"0": "unfreeze-0/seed-3", "1": "unfreeze-0.1/seed-3"} {
		if out, err := start("sweep-s3.yaml", append(small, index, n)...); err != nil {
			t.Fatalf("sweep-s3.yaml, index %s: %v\n%s", n, err, out)
		}
		there("sweep/" + folder + "/base.tflite")
		there("sweep/" + folder + "/default/bundle.tar")
	}
	if out, err := start("sweep-s3.yaml", append(small, index, "-1")...); err != nil { // all: nothing is left to do
		t.Fatalf("the comparison: %v\n%s", err, out)
	}
	there("sweep/report.html")
	there("sweep/sweep.json")
	out, err := start("sweep-s3.yaml", index, "12")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, "there are 12 runs") {
		t.Errorf("index 12: %v\n%s", err, out)
	}
}
