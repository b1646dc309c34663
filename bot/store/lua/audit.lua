-- Notes for the sealer of the shard that `count` events of a run, from its `first` one on, were appended: in the change
-- that appends them, so that no decision can lack its record. `keys.py` has the name of the stream, too.
local function note_audit(run_key, first, count, cards)
  local shard, run = string.match(run_key, '^(.-):run:(.*)$')
  local more = cards and {'cards', cards} or {}
  redis.call('XADD', shard .. ':audit:new', '*', 'run', run, 'first', whole(first), 'count', whole(count), unpack(more))
end
