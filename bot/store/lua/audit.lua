-- Notes for the sealer of the shard that `count` events of a run, from its `first` one on, were appended: in the change
-- that appends them, so that no decision can lack its record.
local function note_audit(run, first, count, cards)
  local more = cards and {'cards', cards} or {}
  redis.call('XADD', audit_new, '*', 'run', run, 'first', whole(first), 'count', whole(count), unpack(more))
end
