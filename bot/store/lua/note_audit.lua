-- Notes a fact outside runs for the sealer of a shard, once. KEYS: new entries, the note's own. ARGV: its body.
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end -- check: noted
redis.call('XADD', KEYS[1], '*', 'note', ARGV[1])
redis.call('SET', KEYS[2], '1', 'PX', '600000')
return 1
