"""The closed vocabulary of replies, in Spanish: patterns over folded text (lower case, no accents)."""

_THAT = r"(?: (?:esto|eso|la solicitud|esta solicitud|el despliegue|el reembolso|el cambio))?"
APPROVE = (
    r"si(?: (?:si|gracias|claro|por favor|adelante|senor|senora|de acuerdo))*|claro(?: que si)?|por supuesto"
    r"|desde luego|como no|dale"
    r"|vale|de acuerdo|conforme|esta bien|todo correcto|(?:me )?parece bien|(?:por mi|para mi) (?:bien|vale|esta bien"
    r"|ok)|correcto|perfecto"
    r"|(?:queda |esta |es )?(?:aprobad[oa]|autorizad[oa]|confirmad[oa]|aceptad[oa]|concedid[oa])(?: por mi parte"
    r"| por mi)?"
    rf"|(?:yo )?(?:lo |la )?(?:apruebo|autorizo|confirmo|acepto|aprobamos|autorizamos){_THAT}|(?:doy|damos|tienes?"
    rf"|tiene) (?:mi |el )?(?:visto bueno|aprobacion|permiso|autorizacion)|visto bueno|luz verde"
    r"|adelante(?: con (?:ello|esto|eso))?|(?:puede|puedes|pueden)(?: (?:seguir|continuar|proceder))|procede|proceda"
    r"|procedan|hazlo|hagalo|hagan?lo|ejecutalo|sigue|continua|continue"
    r"|(?:sin|ninguna) objeci(?:on|ones)|no tengo objeci(?:on|ones)|estoy de acuerdo|estamos de acuerdo"
    r"|ok por mi(?: parte)?"
)
SOFT = (
    r"no(?: (?:no|gracias|lo siento|senor|senora))*"
    r"|mejor no|lamentablemente no|desgraciadamente no|me temo que no"
)
FIRM = (
    r"(?:queda |esta |es )?(?:rechazad[oa]|denegad[oa]|negad[oa]|cancelad[oa]|desaprobad[oa])"
    r"|no (?:esta )?(?:aprobad[oa]|autorizad[oa]|aceptad[oa]|conforme)|(?:yo )?no (?:lo |la )?(?:apruebo|autorizo"
    r"|acepto|confirmo)(?: (?:esto|eso))?"
    r"|no (?:estoy|estamos) (?:de acuerdo|conforme)|no puedo (?:aprobar|autorizar|aceptar)(?:lo|la)?(?: (?:esto|eso))?"
    r"|(?:lo |la |yo )?(?:rechazo|deniego|rechazamos|me niego|me opongo)(?: (?:esto|eso|la solicitud))?|rechazar"
    r"|denegar|rechaza(?:lo)?"
    r"|(?:por favor )?(?:cancelar|cancela(?:lo)?|cancele(?:lo)?|cancelen|detener|detente|detenlo|deten"
    r"|detengan?(?:lo)?|parar|para(?:lo)?|pare(?:lo)?|alto|stop|anular|anula(?:lo)?|anule(?:lo)?|aborta(?:r|lo)?)"
    r"|(?:por favor )?no (?:lo |la )?(?:hagas|haga|hagan|ejecutes?|procedas?|continues?|sigas?|despliegues?|envies?"
    r"|apruebes?)(?: (?:esto|eso))?"
    r"|ni hablar|ni pensarlo|de ninguna (?:manera|forma)|de ningun modo|en absoluto|para nada|claro que no"
    r"|por supuesto que no|desde luego que no|absolutamente no|rotundamente no|jamas|nunca"
)
POLITE = (
    r"(?:hola|buen(?:os|as) (?:dias|tardes|noches)|buenas|buen dia|estimad[oa]s?|querid[oa]s?)(?: (?:a todos|a todas"
    r"|todos|todas|equipo|senor|senora|NAMES))*+"
    r"|(?:muchas |mil )?gracias(?: (?:a todos|de antemano|por todo|NAMES))*+|por favor|todo bien"
    r"|(?:un |cordiales |atentos )?saludos?(?: cordial(?:es)?)?|atentamente|cordialmente|un (?:cordial saludo|abrazo)"
    r"|hasta (?:luego|pronto)"
)
ANSWER = r"(?:mi |la )?(?:respuesta|decision)(?: es)?"
SORRY = r"(?:lo siento|lo lamento|perdon|disculpa|lamentablemente)"
DOUBT = r"\b(?:pero|salvo|excepto|quizas?|tal vez|a menos|espera\w*|sino)\b"
CONDITION = r"\b(?:si|cuando|solo|solamente|antes|despues|todavia|aun|hasta|manana|unicamente)\b"
REFUSE = r"\b(?:no|nunca|jamas|rechaz\w*|deneg\w*|cancel\w*|detener|deten\w*|ningun\w*|ni)\b"
BECAUSE = r"porque|ya que|pues"
