-- Has a worker take something now. KEYS: ready or answers, clock. ARGV: member.
push_ready(KEYS[1], now_ms(KEYS[2]), ARGV[1])
return 1
