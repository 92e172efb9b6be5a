//go:build unix && !linux

package cache

const mapFlags = 0
