package main

func (b *bench) pages() error { return nil }
func (b *bench) lists() error { return nil }
