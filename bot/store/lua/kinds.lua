-- Raises where a key that is written further on is none of its kind, as one that somebody put in by hand: a script that
-- fails after its first write has written a part.
local LENGTH_OF = {hash = 'HLEN', stream = 'XLEN', zset = 'ZCARD'}

local function must_be(kind, ...)
  for _, key in ipairs({...}) do redis.call(LENGTH_OF[kind], key) end
end
