package remote

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/edge-adapt/edge/internal/hint"
)

// Config says where the object store is and who asks.
type Config struct {
	Endpoint     string // https://HOST[:PORT]; "": Amazon's
	Region       string // "": the store is asked
	AccessKey    string
	SecretKey    string
	SessionToken string // of temporary credentials; "": none
	PlainHTTP    bool   // http:// may lead to other machines
}

// Environment returns the configuration that the variables of Amazon's tools
// give, and EDGE_S3_PLAIN_HTTP=1 for PlainHTTP. A server with a certificate of
// one's own is trusted through SSL_CERT_FILE.
func Environment() Config {
	return Config{
		Endpoint:     first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
		Region:       first("AWS_REGION", "AWS_DEFAULT_REGION"),
		AccessKey:    os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretKey:    os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
		PlainHTTP:    os.Getenv("EDGE_S3_PLAIN_HTTP") == "1",
	}
}

// first returns the value of the first of these variables that is set.
func first(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// amazon is where Amazon's buckets of all regions are found.
const amazon = "https://s3.amazonaws.com"

// Open prepares to use a folder. It sends nothing: whether the store answers,
// and lets c in, Download and Upload will say.
func Open(u URL, c Config) (*Folder, error) {
	if c.Endpoint == "" {
		c.Endpoint = amazon
	}
	if c.AccessKey == "" || c.SecretKey == "" {
		return nil, hint.Wrap(fmt.Errorf("%s: no credentials", u), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; AWS_ENDPOINT_URL where the store is not Amazon's")
	}
	endpoint, err := url.Parse(c.Endpoint)
	if err == nil {
		err = checkEndpoint(endpoint, c.PlainHTTP)
	}
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("endpoint %q: %w", c.Endpoint, err), "write AWS_ENDPOINT_URL as https://HOST or https://HOST:PORT")
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken),
		Secure:     endpoint.Scheme == "https",
		Region:     c.Region,
		MaxRetries: attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("endpoint %q: %w", c.Endpoint, err)
	}
	return &Folder{url: u, config: c, client: minio.Core{Client: client}}, nil
}

// checkEndpoint refuses what would send credentials' signatures and samples
// over a network in the clear, unless plain is set.
func checkEndpoint(u *url.URL, plain bool) error {
	switch {
	case u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil:
		return errors.New("it is not of the form https://HOST:PORT")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("it is neither https nor http but %q", u.Scheme)
	case plain || loopback(u.Hostname()):
		return nil
	}
	return hint.Wrap(errors.New("plain HTTP would show the samples to the network"),
		"use https://, or set EDGE_S3_PLAIN_HTTP=1 where the network itself is safe")
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
