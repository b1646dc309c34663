-- Takes a mailbox for so long, keeps it, or gives it up (0 ms). KEYS: holder. ARGV: who, ms. Of a holder who died while
-- Redis's clock was ahead, no more than so long is left.
local holder, ms = redis.call('GET', KEYS[1]), tonumber(ARGV[2])
if holder and ms > 0 and redis.call('PTTL', KEYS[1]) > ms then redis.call('PEXPIRE', KEYS[1], ms) end
if holder and holder ~= ARGV[1] then return 0 end -- check: holder
if ms > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ms)
elseif holder then
  redis.call('DEL', KEYS[1])
end
return 1
