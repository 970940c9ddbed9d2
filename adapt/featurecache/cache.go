// Package featurecache keeps the features of images on disk, so that an image
// goes through a base once in its life and not once a run.
//
// It is one SQLite file, shared by all bases and all processes of a user. It
// is a cache: whatever is wrong with a row or with the whole file costs time
// and never a result. A row carries a checksum, and a file that is no database
// is replaced by an empty one.
package featurecache

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/edge-adapt/edge/internal/digest"
)

// Cache is the open file. It may be used concurrently; Close ends it.
type Cache struct {
	db    *sql.DB
	limit int64
	get   *sql.Stmt

	mu      sync.Mutex
	pending []row    // written together: a transaction a row would sync the disk each time
	touched []string // old keys read since the last flush, whose age starts anew
}

// row is one image's features under one space.
type row struct {
	key      string
	features []byte
}

// flushRows is how many new rows wait in memory at most: about 1.3 MB of
// features of a MobileNetV2, and at most that many images computed again after
// a kill.
const flushRows = 256

// fresh is the age up to which a row that is read keeps its time of use: a day
// is fine enough for eviction, and saves rewriting every row of a warm run.
const fresh = 24 * time.Hour

// layout is raised whenever old rows must not be read any more.
const layout = 1

const schema = `
CREATE TABLE IF NOT EXISTS features (
	key      TEXT PRIMARY KEY, -- space and image digest
	features BLOB NOT NULL,    -- float32, little endian
	crc      INTEGER NOT NULL, -- CRC-32C of features
	used     INTEGER NOT NULL  -- seconds since 1970, for eviction
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS features_used ON features (used);
PRAGMA user_version = 1;`

// Open opens or creates the cache file at path, creating its folder.
//
// limit is the size in bytes that the stored features may have together when
// the cache is closed; zero or less means no limit. A file that is damaged, or
// has another layout, is replaced by an empty one.
func Open(path string, limit int64) (*Cache, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("feature cache: %w", err)
	}
	c, err := open(path, limit)
	if err != nil && damaged(err) {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, fmt.Errorf("feature cache: replace the damaged file: %w", err)
			}
		}
		c, err = open(path, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("feature cache %s: %w", path, err)
	}
	return c, nil
}

var errLayout = errors.New("another layout")

// damaged tells a file that is of no use from one that is only out of reach.
func damaged(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt
	}
	return errors.Is(err, errLayout)
}

func open(path string, limit int64) (*Cache, error) {
	// The write-ahead log lets other processes read while one writes. A lost
	// transaction after a power cut is only a slower next run, so no full sync.
	db, err := sql.Open("sqlite3", "file:"+escape(path)+"?_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=10000")
	if err != nil {
		return nil, err
	}
	var version int
	if err = db.QueryRow("PRAGMA user_version").Scan(&version); err == nil && version != 0 && version != layout {
		err = errLayout
	}
	if err == nil {
		_, err = db.Exec(schema)
	}
	c := &Cache{db: db, limit: limit}
	if err == nil {
		c.get, err = db.Prepare("SELECT features, crc, used < ? FROM features WHERE key = ?")
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return c, nil
}

// escape makes a path safe inside SQLite's file: address.
func escape(path string) string {
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		switch b := path[i]; b {
		case '%', '?', '#':
			out = fmt.Appendf(out, "%%%02x", b)
		default:
			out = append(out, b)
		}
	}
	return string(out)
}

// View is the part of a Cache that belongs to one space: one base with one
// preprocessing. Features of different spaces never meet.
type View struct {
	cache *Cache
	space string
}

// View returns the part named by space, which must be the same for two runs
// exactly if their features are.
func (c *Cache) View(space digest.Digest) View {
	return View{c, space.Hex() + ":"}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Get copies the features of the image with this digest into dst and reports
// whether it had them, of exactly that length. It keeps no reference to dst.
func (v View) Get(image digest.Digest, dst []float32) (bool, error) {
	var blob []byte
	var crc uint32
	var old bool
	key := v.space + image.Hex()
	err := v.cache.get.QueryRow(time.Now().Add(-fresh).Unix(), key).Scan(&blob, &crc, &old)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("feature cache: %w", err)
	}
	if len(blob) != 4*len(dst) || crc32.Checksum(blob, castagnoli) != crc {
		return false, nil
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(blob[4*i:]))
	}
	if old {
		v.cache.mu.Lock()
		v.cache.touched = append(v.cache.touched, key)
		v.cache.mu.Unlock()
	}
	return true, nil
}

// Put remembers the features of the image with this digest. It copies them,
// and writes to disk now and then, at the latest when the cache is closed.
func (v View) Put(image digest.Digest, features []float32) error {
	blob := make([]byte, 4*len(features))
	for i, f := range features {
		binary.LittleEndian.PutUint32(blob[4*i:], math.Float32bits(f))
	}
	c := v.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, row{v.space + image.Hex(), blob})
	if len(c.pending) < flushRows {
		return nil
	}
	return c.flush()
}

// flush writes what is pending in one transaction. The caller holds mu.
func (c *Cache) flush() (err error) {
	rows, keys := c.pending, c.touched
	c.pending, c.touched = nil, nil
	if len(rows)+len(keys) == 0 {
		return nil
	}
	tx, err := c.db.Begin()
	if err != nil {
		return fmt.Errorf("feature cache: %w", err)
	}
	defer func() {
		if err != nil {
			tx.Rollback()
			err = fmt.Errorf("feature cache: %w", err)
		}
	}()
	now := time.Now().Unix()
	put, err := tx.Prepare("INSERT OR REPLACE INTO features (key, features, crc, used) VALUES (?, ?, ?, ?)")
	if err != nil {
		return err
	}
	for _, r := range rows {
		if _, err = put.Exec(r.key, r.features, crc32.Checksum(r.features, castagnoli), now); err != nil {
			return err
		}
	}
	touch, err := tx.Prepare("UPDATE features SET used = ? WHERE key = ?")
	if err != nil {
		return err
	}
	for _, key := range keys {
		if _, err = touch.Exec(now, key); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Close writes what is pending, evicts the longest unused features until the
// rest is within the limit, and closes the file. The cache is of no use after.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.flush()
	if err == nil {
		err = c.evict()
	}
	c.get.Close()
	return errors.Join(err, c.db.Close())
}

// evict removes the rows beyond the limit, oldest first.
func (c *Cache) evict() error {
	if c.limit <= 0 {
		return nil
	}
	var total int64
	if err := c.db.QueryRow("SELECT COALESCE(SUM(LENGTH(features)), 0) FROM features").Scan(&total); err != nil {
		return fmt.Errorf("feature cache: %w", err)
	}
	if total <= c.limit {
		return nil
	}
	_, err := c.db.Exec(`
		DELETE FROM features WHERE key IN (
			SELECT key FROM (
				SELECT key, SUM(LENGTH(features)) OVER (ORDER BY used DESC, key) AS upto FROM features
			) WHERE upto > ?)`, c.limit)
	if err == nil {
		_, err = c.db.Exec("VACUUM")
	}
	if err != nil {
		return fmt.Errorf("feature cache: evict: %w", err)
	}
	return nil
}
