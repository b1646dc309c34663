-- Notes a fact outside runs for the sealer of a shard, once. KEYS: new entries, the note's own. ARGV: its body.
if redis.call('SET', KEYS[2], '1', 'NX', 'PX', '600000') then redis.call('XADD', KEYS[1], '*', 'note', ARGV[1]) end -- check: noted
