print("iscsifs")
