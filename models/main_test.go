package models_test

import (
	"os"
	"testing"

	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/tflite"
)

// TestMain lets the test binary be the other process of those tests that need one.
func TestMain(m *testing.M) {
	tflite.TrialChild()
	models.BeChild()
	beUpdated()
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
