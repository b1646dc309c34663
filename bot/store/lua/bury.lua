-- Gives something up, or holds what came in: no more tries, and a note in the dead letters. KEYS: tries of the item, wake,
-- dead, then for a message: the list that it is in, outbox, what the names of inbound items begin with, and the item, whose
-- bytes are forgotten where it is held. ARGV: id, member, note, most or '', 1 to hold it. Of more than so many messages of a
-- list the oldest are forgotten, or strangers could fill the memory, unless somebody has them done again. Returns those.
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
local forgotten = {}
if ARGV[4] == '' then return forgotten end
local list, outbox, inbound, held = KEYS[4], KEYS[5], KEYS[6], ARGV[5] == '1'
redis.call('ZADD', list, whole(now_ms()), ARGV[1])
if held then redis.call('DEL', KEYS[7]) end
local over = redis.call('ZCARD', list) - tonumber(ARGV[4])
if over > 0 then -- check: most
  local oldest = redis.call('ZPOPMIN', list, over)
  for i = 1, #oldest, 2 do
    local is_dead = redis.call('HDEL', KEYS[3], oldest[i]) == 1
    if is_dead then -- check: requeued
      redis.call('HDEL', outbox, oldest[i])
      redis.call('DEL', inbound .. oldest[i])
      forgotten[#forgotten + 1] = oldest[i]
    end
  end
end
return forgotten
