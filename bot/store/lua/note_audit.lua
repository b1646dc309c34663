-- Notes a fact outside runs for the sealer of a shard, once. KEYS: the note's own. ARGV: its body.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end -- check: noted
redis.call('XADD', audit_new, '*', 'note', ARGV[1])
redis.call('SET', KEYS[1], '1', 'PX', '600000')
return 1
