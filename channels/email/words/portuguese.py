"""The closed vocabulary of replies, in Portuguese: patterns over folded text (lower case, no accents)."""

_THAT = r"(?: (?:isto|isso|o pedido|este pedido|a solicitacao|esta solicitacao|o reembolso))?"
APPROVE = (
    r"sim(?: (?:sim|obrigad[oa]|claro|por favor|senhor|senhora|pode))*|claro(?: que sim)?|com certeza|certamente"
    r"|obvio|certo|pois sim"
    r"|de acordo|tudo (?:certo|ok)|esta (?:bem|bom|certo|ok)|por mim(?: tudo bem| ok)?|beleza|perfeito|otimo"
    r"|parece bem|parece bom"
    r"|(?:esta |fica |foi )?(?:aprovad[oa]|autorizad[oa]|confirmad[oa]|aceit[oae]|liberad[oa])(?: por mim)?"
    rf"|(?:eu )?(?:aprovo|autorizo|confirmo|aceito|concordo|libero|aprovamos|autorizamos|concordamos){_THAT}|(?:tem"
    rf"|dou)(?: a)? minha aprovacao|sinal verde|luz verde"
    r"|pode(?:m|s)? (?:aprovar|seguir|prosseguir|fazer|continuar|ir|liberar|executar|mandar|avancar"
    r"|mandar ver)(?: em frente)?|prossiga|prossigam|siga(?: em frente)?|avance|va em frente|faca(?:-o| isso)?"
    r"|manda ver|vai em frente"
    r"|(?:sem|nenhuma) obje(?:c)?(?:ao|oes)|nao tenho obje(?:c)?(?:ao|oes)|estou de acordo|estamos de acordo"
    r"|(?:sim )?pode(?: ser feito)?"
)
SOFT = (
    r"nao(?: (?:nao|obrigad[oa]|desculpe|senhor|senhora))*"
    r"|melhor nao|infelizmente nao|lamento mas nao"
)
FIRM = (
    r"(?:esta |fica |foi )?(?:rejeitad[oa]|negad[oa]|recusad[oa]|cancelad[oa]|reprovad[oa]|indeferid[oa])"
    r"|nao (?:esta )?(?:aprovad[oa]|autorizad[oa]|aceit[oae])|(?:eu )?nao (?:o |a )?(?:aprovo|autorizo|aceito"
    r"|concordo|confirmo)(?: (?:com )?(?:isto|isso))?"
    r"|nao (?:estou|estamos) de acordo|nao posso (?:aprovar|autorizar|aceitar)(?: (?:isto|isso))?"
    r"|(?:eu )?(?:rejeito|recuso|nego|me oponho|reprovo)(?: (?:isto|isso|o pedido))?|rejeitar|recusar|negar"
    r"|(?:por favor )?(?:cancele|cancela|cancelar|cancelem|pare|parar|parem|para|stop|aborte|abortar|anule|anular"
    r"|interrompa)(?: (?:isso|isto|tudo))?"
    r"|(?:por favor )?nao (?:o |a )?(?:faca|facas|facam|execute|prossiga|continue|siga|envie|aprove"
    r"|avance)(?: (?:isso|isto))?"
    r"|de (?:jeito|modo|forma) (?:nenhum|nenhuma|algum|alguma)|de maneira (?:nenhuma|alguma)|nem pensar|claro que nao"
    r"|com certeza nao|de forma alguma|jamais|nunca|absolutamente nao"
    r"|nao (?:pode|fazer|aprovar|autorizar|executar|prosseguir|continuar|proceder)"
)
POLITE = (
    r"(?:ola|oi|bom dia|boa (?:tarde|noite)|caros?|caras?|prezad[oa]s?|querid[oa]s?)(?: (?:a todos|todos|todas"
    r"|pessoal|equipe|equipa|senhor|senhora|NAMES))*+"
    r"|(?:muito |muitissimo )?obrigad[oa](?: (?:a todos|desde ja|mesmo|pela atencao|NAMES))*+|valeu|por favor"
    r"|tudo bem|grat[oa]"
    r"|atenciosamente|cordialmente|att|abs|abracos?|bom fim de semana|(?:melhores )?cumprimentos|(?:com os melhores"
    r"|atenciosos) cumprimentos|saudacoes|um abraco|ate (?:logo|breve)"
)
ANSWER = r"(?:minha |a minha |a )?(?:resposta|decisao)(?: e)?"
SORRY = r"(?:desculpe|desculpa|lamento|sinto muito|infelizmente)"
DOUBT = r"\b(?:mas|salvo|exceto|talvez|a menos|esper[ae]\w*|porem)\b"
CONDITION = r"\b(?:se|quando|somente|apenas|antes|depois|ainda|ate|amanha)\b"
REFUSE = r"\b(?:nao|nunca|jamais|rejeit\w*|recus\w*|neg(?:o|ad[oa])|cancel\w*|pare|nenhum\w*|nem)\b"
BECAUSE = r"porque|pois|ja que"
