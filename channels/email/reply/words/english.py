"""The closed vocabulary of replies, in English: patterns over lower-case text with single spaces.

Whatever is not here decides nothing. A word is added only if every text it makes possible would be meant as a decision.
"""

_OBJECT = r"(?: (?:(?:this|the) (?:request|deployment|deploy|release|refund|change)|it|this|that))?"
ANSWER = r"(?:(?:my|the) )?(?:answer|decision)(?: is)?"
APPROVE = (
    r"yes|y|yep|yeah|yup|sure(?: thing)?|of course|absolutely|definitely|certainly|affirmative"
    r"|granted|lgtm|roger(?: that)?|\+1|[👍✅👌✔☑]|:thumbsup:"
    r"|(?:ok|okay)(?: (?:by|with) me)?|fine(?: (?:by|with) me)?|that(?:'s| is) (?:fine|ok|okay)|all good|good to go"
    r"|looks good(?: to me)?|sounds good|works for me|green light|make it so|by all means"
    rf"|(?:(?:i|we) )?(?:hereby )?(?:approve|accept|confirm){_OBJECT}|(?:i|we) agree(?: with (?:this|it|that))?"
    r"|(?:(?:it|this|that)(?: is|'s) |consider it )?(?:approved|accepted|confirmed|agreed)(?: by me| as requested)?"
    r"|(?:you (?:can|may) )?(?:proceed|go ahead)|go(?: for it)?|(?:please )?do it|please do|ship it|let's (?:do it|go)"
    rf"|(?:(?:i|we) )?(?:hereby )?(?:authori[sz]e|consent(?: to)?|sign(?:ed)? off(?: on)?|ok|okay"
    rf"|green-?light){_OBJECT}"
    r"|authori[sz]ed|cleared|signed off|alright|all right|aye|yea|yes sir|sgtm|thumbs up|carry on"
    r"|(?:please )?continue"
    rf"|(?:please )?(?:run|deploy|release|merge|execute|start|submit){_OBJECT}(?: please| now)?|(?:you're|you are"
    rf"|we're|we are) good to go"
    r"|(?:it's |that's )?(?:a )?yes from (?:me|my side|us)|(?:it's|that's) a yes|i(?:'m| am) in favou?r(?: of (?:it"
    r"|this|that))?|i say yes"
    r"|you(?: have|'ve got|'ve) my approval|(?:approval|permission) granted"
    rf"|(?:i'm |i am )?happy to approve{_OBJECT}|go ahead and (?:do it|deploy(?: it)?|proceed)"
    r"|(?:i am|i'm) (?:ok|okay|fine|happy) with (?:it|this|that)|(?:i have )?no objections?(?: from (?:me|my side))?"
    r"|(?:i|we) agree to (?:it|this|that)|(?:(?:it|this|that|all)(?: is|'s) |all )(?:fine|ok|okay|good)"
    r"(?: (?:by|with|for) (?:me|us))?|approving(?: (?:it|this|that))?|hell yes|you bet|be my guest|yes (?:this|it)"
    r"(?: is|'s) (?:fine|ok|okay|good|approved)|(?:ok|okay|good|fine|approved) (?:from|on|by|for|with) (?:me|us"
    r"|my (?:side|end))"
    r"|(?:i |we )?(?:give|grant)(?: you)? (?:my|our) (?:approval|permission|consent|ok)|i grant (?:it|this)|from me yes"
    r"|(?:approval|permission|consent)(?: is)? (?:given|granted)|you have (?:my|our) (?:permission|consent|ok|go-ahead)"
    r"|(?:please )?let it run|keep going|that works(?: for (?:me|us))?|(?:happy|ok|okay|fine|good) with (?:it|this"
    r"|that)"
    r"|(?:i am|i'm|we are|we're) (?:good|cool) with (?:it|this|that)|i support (?:it|this)|no objections? here"
    r"|(?:ok|okay|good|clear|cleared) to (?:go|proceed|run|deploy)|(?:please )?feel free to (?:proceed|go ahead"
    r"|continue)"
    r"|with pleasure|gladly|for sure|okey|(?:looks|sounds) (?:good|fine|ok|okay|great)"
    r"(?: to (?:me|us))?|you can do it|do it then"
)
_CANNOT = r"(?:do not|don't|can't|cannot|can not|won't|will not|must not)"
_TRY = (
    r"(?:do|run|deploy|send|proceed|approve|ship|release|go ahead|merge|execute|start|continue|refund|pay|publish"
    r"|delete|install|migrate|restart|charge|order)"
)
_OPPOSE = "disapprove|veto|object|disagree"
# A word in SOFT also begins sentences that refuse nothing; a word in FIRM hardly does.
SOFT = (
    r"no+(?: no)*(?:,? (?:thanks|thank you|sorry|sir))?(?: 👎)?|n|nope(?: nope)*|nah|(?<=unfortunately )not|:-1:|-1"
    r"|(?:(?:👎|❌|🚫|⛔)[\U0001f3fb-\U0001f3ff\ufe0f]*)+"
)
FIRM = (
    rf"(?:(?:i|we) )?(?:must |have to )?(?:deny|reject|decline|refuse|{_OPPOSE})(?: to)?{_OBJECT}"
    r"|(?:(?:it|this|that)(?: is|'s) )?(?:denied|rejected|declined|refused|vetoed|disapproved|cancell?ed)"
    r"|(?:(?:it|this|that)(?: is|'s) )?not (?:approved|ok|okay|agreed|granted|accepted|authori[sz]ed)"
    rf"|(?:(?:i|we) )?(?:am |are )?not going to approve{_OBJECT}"
    rf"|(?:(?:i|we) )?{_CANNOT} (?:approve|accept|agree){_OBJECT}"
    rf"|(?:please )?(?:do not|don't)(?: {_TRY}{_OBJECT})?|(?:absolutely|definitely|certainly|of course) not|no[ -]go"
    rf"|(?:stop|cancel|abort){_OBJECT}(?: please)?(?: now)?|permission (?:denied|not granted)|i'm afraid not"
    r"|(?:hell )?no way|negative|nay|(?:it's |that's )?a? ?(?:hard |firm |clear |definite )?no from (?:me|my side|us)"
    r"|(?:it's|that's) a (?:hard |firm |clear )?no"
    rf"|(?:(?:i|we) )?(?:'m |am |are |'re )?not (?:approving|going ahead|allowed|acceptable|happening|in favou?r"
    rf"|authori[sz]ed){_OBJECT}|hard no|hell no"
    rf"|i(?:'m| am) not approving{_OBJECT}|(?:i(?:'m| am) |we(?:'re| are) )?against{_OBJECT}|i (?:say|vote|said) no"
    rf"|(?:please )?(?:kill|halt|block|scrap|drop|withdraw|revoke){_OBJECT}"
    r"|unacceptable|forbidden|thumbs down|blocked|never|under no circumstances|please (?:cancel|abort|deny|decline"
    r"|stop)(?: (?:it|this|that))?|(?:i|we) refuse to approve(?: (?:it|this|that))?"
    r"|approval (?:denied|refused|not granted)|no approval(?: from (?:me|my side))?|you do not have my approval"
    rf"|(?:not a|no) chance|no can do|no good|not (?:good|fine|permitted|possible)|not (?:ok|okay) (?:for|with|by) me"
    rf"|(?:i|we) (?:do not|don't) agree(?: (?:with|to))?{_OBJECT}|(?:(?:i am|i'm) )?unable to (?:approve"
    rf"|accept){_OBJECT}"
    rf"|(?:rejecting|denying|declining|refusing|vetoing|cancelling){_OBJECT}|i (?:have to|must) say no"
    rf"|no approval given"
    r"|approval withheld|permission refused|stop (?:everything|here|right there|right now)|dont(?: do (?:it|this"
    r"|that))?"
    r"|(?:absolutely|definitely|certainly) no|no (?:definitely|absolutely|certainly) not|i disapprove of (?:it|this"
    r"|that)"
    rf"|no,? i {_CANNOT}(?: (?:approve|accept|agree){_OBJECT})?|i (?:don't|do not|won't|will not)"
    r"|(?:i'm|i am) not (?:ok|okay|happy|fine|comfortable) with (?:it|this|that)"
)
# Possessive, so that a name that is also one of these words is not tried both ways.
_TO_ALL = r"(?: (?:all|team|there|everyone|NAMES)(?![\w-]))*+"
_VERY = r"(?: (?:a lot|so much|very much|again|all|team|NAMES)(?![\w-]))*+"
POLITE = (
    rf"(?:hi|hello|hey|dear|(?:good )?morning|good (?:afternoon|evening)){_TO_ALL}"
    rf"|(?:many )?(?:thank(?:s| you)|thx|cheers){_VERY}|please|pls|great|perfect|cool|excellent|wonderful|super|nice"
    rf"|awesome|brilliant|all yours|right|very well|good"
    r"|no (?:problems?|worries|issues?)(?: (?:from|for|with) me| here)?"
    r"|(?:great|good|nice) (?:work|job)|well done|(?:talk|speak) (?:to you )?soon|take care|br|kr|rgds|tia|ty|tks"
    r"|(?:have a )?(?:good|nice|great|lovely) (?:day|one|week|weekend|evening)(?: ahead)?|(?:thanks"
    r"|thank you) in advance"
    r"|[🙂😊🙏🎉🚀][\U0001f3fb-\U0001f3ff\ufe0f]?|yours(?: truly| faithfully)?|warmly"
    r"|(?:(?:best|kind|warm|with kind|many) )?regards|best(?: wishes)?|all the best|(?:yours )?sincerely"
)
DOUBT = r"\b(?:yes|maybe|perhaps|wait|hold on|unless|until|but|actually|second thought|approved?)\b|\.\.|…"
"""What takes a soft refusal back or leaves it open."""

NO_NAME = (
    r"[^\w-]|\b(?:no|not|never|wait|stop|later|maybe|only|will|may|if|but|until|unless|once"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tues?|weds?|thu|thurs?|fri|sat|sun|today|tomorrow|tonight"
    r"|january|february|march|april|june|july|august|september|october|november|december)\b"
)
"""Words that are also people's names; below a reply they never count as one."""

SORRY = r"(?:(?:i'm |i am )?(?:very |so )?sorry|unfortunately|i'm afraid|my apologies)"
REFUSE = (
    r"\b(?:not?|nope|nah|never|cannot|den(?:y|ied)|reject(?:ed)?|refused?|declined?|(?:dis|un)approved?|veto(?:ed)?"
    r"|object|disagree"
    r"|stop|abort|cancel(?:l?ed)?|(?:do|wo|ca|must|is|are|should|does)n['\u2019]?t)\b|[👎❌🚫⛔]|:-1:"
)
CONDITION = (
    r"\b(?:but|if|only|wait|until|unless|except|when|after|before|once|staging|hold|instead|maybe|perhaps|actually"
    r"|second thought|later|first|tomorrow)\b|[?\uff1f]"
)
BECAUSE = r"because|since|as"
