"""What a person newly wrote in a mail: no quotes, signatures, banners or HTML; and the words that decide."""
