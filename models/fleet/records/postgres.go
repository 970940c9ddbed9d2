package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/edge-adapt/edge/internal/hint"
)

// setUpLock lets one process at a time make the tables: CREATE … IF NOT EXISTS of two
// at once may fail for one of them. The number is the project's own, and any.
const setUpLock = "SELECT pg_advisory_xact_lock(736150243561)"

// OpenPostgres opens the records in a PostgreSQL database, postgres://USER@HOST/NAME
// or "host=… dbname=…". What is not said there comes from libpq's variables (PGHOST,
// PGPASSWORD, PGPASSFILE, PGSSLMODE, …) and ~/.pgpass. Any number of receivers may use
// one database.
func OpenPostgres(ctx context.Context, address string) (*Records, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("records in PostgreSQL: %w", err) // pgx keeps the password out of it
	}
	config.ConnectTimeout = min(10*time.Second, nonZero(config.ConnectTimeout))
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "edge fleet"
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(5 * time.Minute)
	r, err := begin(ctx, db, dialect{name: "PostgreSQL", setUp: setUpLock})
	if err == nil {
		return r, nil
	}
	err = fmt.Errorf("records in PostgreSQL at %s, database %s: %w", config.Host, config.Database, err)
	if errors.Is(err, ErrNewer) {
		return nil, err
	}
	return nil, hint.Wrap(err, "see whether psql gets in with the same address; the user must be allowed to make tables there")
}

func nonZero(d time.Duration) time.Duration {
	if d <= 0 {
		return 10 * time.Second
	}
	return d
}
