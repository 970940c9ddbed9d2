package update

import (
	"context"
	"fmt"
	"io"
)

// fetchSmall reads a file into memory: at most limit bytes, and exactly that many
// if exact is not negative.
func (c *Client) fetchSmall(ctx context.Context, name string, limit, exact int64) ([]byte, error) {
	var data []byte
	err := c.cfg.Retry.do(ctx, func() (bool, error) {
		var err error
		data, err = readSmall(ctx, c.cfg.Source, name, limit)
		return false, err
	})
	if err == nil && exact >= 0 && int64(len(data)) != exact {
		err = fmt.Errorf("%s is %w: %d bytes, want %d", name, ErrDamaged, len(data), exact)
	}
	return data, err
}

func readSmall(ctx context.Context, s Source, name string, limit int64) ([]byte, error) {
	body, size, err := s.Open(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if size > limit {
		return nil, fmt.Errorf("%s of %d bytes is %w: at most %d", name, size, ErrTooLong, limit)
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s is %w: at most %d bytes", name, ErrTooLong, limit)
	case size >= 0 && int64(len(data)) < size:
		return nil, fmt.Errorf("%s: %w: %d of %d bytes came", name, ErrNetwork, len(data), size)
	}
	return data, nil
}
